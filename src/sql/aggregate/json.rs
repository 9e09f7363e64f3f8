//! JSON_ARRAYAGG and JSON_OBJECTAGG.

use crate::sql::row::{Value, value};
use crate::sql::text::{TimeStyle, write_json};
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_err, internal_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, DocSection, Documentation, Signature, Volatility};
use std::collections::BTreeSet;

const SECTION: DocSection = DocSection { include: true, label: "JSON", description: None };

/// Both functions. Behind the value they take what is done with NULLs, and whether the value is JSON already: that is how their
/// clauses are read.
pub(super) fn functions() -> [AggregateUDF; 2] {
    let of = |is_object: bool, syntax: &str, doc: &str| {
        AggregateUDF::from(JsonAggregate {
            is_object,
            signature: Signature::variadic_any(Volatility::Immutable),
            documentation: Documentation::builder(SECTION, doc, syntax).build(),
        })
    };
    [
        of(
            false,
            "JSON_ARRAYAGG(value [{NULL | ABSENT} ON NULL])",
            "The values of all rows as an array of JSON; without NULLs, if not said.",
        ),
        of(
            true,
            "JSON_OBJECTAGG([KEY] key VALUE value [{NULL | ABSENT} ON NULL])",
            "The keys and values of all rows as an object of JSON.",
        ),
    ]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonAggregate {
    is_object: bool,
    signature: Signature,
    documentation: Documentation,
}

impl AggregateUDFImpl for JsonAggregate {
    fn name(&self) -> &str {
        if self.is_object { "json_objectagg" } else { "json_arrayagg" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let is_text = |found: &DataType| matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let (values, clauses) = given.split_at(given.len().min(1 + usize::from(self.is_object)));
        let fits = match values {
            [key, _] => is_text(key),
            [_] => !self.is_object,
            _ => false,
        };
        if fits && matches!(clauses.len(), 0 | 2) && clauses.iter().all(is_text) {
            return Ok(DataType::Utf8View);
        }
        plan_err!("there is {}, with a STRING as the key", self.documentation.syntax_example)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Members { is_object: self.is_object, text: String::new(), keys: BTreeSet::new(), is_empty: true }))
    }
}

/// The members or items so far.
#[derive(Debug)]
struct Members {
    is_object: bool,
    text: String,
    keys: BTreeSet<String>,
    is_empty: bool,
}

impl Members {
    fn add(&mut self, key: Option<&Value<'_>>, found: &Value<'_>, data_type: &DataType, is_json: bool) -> Result<()> {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.text.push(',');
        }
        if let Some(key) = key {
            let Value::Text(name) = key else { return exec_err!("a key is NULL") };
            if !self.keys.insert(name.to_string()) {
                return exec_err!("the key `{name}` comes twice");
            }
            write_json(&mut self.text, key, &DataType::Utf8View, TimeStyle::Sql);
            self.text.push(':');
        }
        match found {
            Value::Text(json) if is_json => self.text.push_str(json),
            _ => write_json(&mut self.text, found, data_type, TimeStyle::Sql),
        }
        Ok(())
    }
}

impl Accumulator for Members {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let (keys, columns) = columns.split_at(usize::from(self.is_object));
        let [found, clauses @ ..] = columns else { return internal_err!("there is no value") };
        for row in 0..found.len() {
            let says =
                |at: usize, word: &str| clauses.get(at).map(|clause| value(clause, row) == Value::Text(word.into()));
            let keeps_nulls = says(0, "NULL").unwrap_or(self.is_object);
            if keeps_nulls || found.is_valid(row) {
                let key = keys.first().map(|keys| value(keys, row));
                self.add(key.as_ref(), &value(found, row), found.data_type(), says(1, "JSON").unwrap_or(false))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let (open, close) = if self.is_object { ('{', '}') } else { ('[', ']') };
        Ok(ScalarValue::Utf8View(Some(format!("{open}{}{close}", self.text))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.text.capacity()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("values are kept, not what accumulators make of them")
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("values are kept, not what accumulators make of them")
    }
}
