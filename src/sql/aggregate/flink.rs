//! Aggregates under Flink's names that DataFusion does not know, and the ones that are refused.

use arrow::datatypes::DataType;
use datafusion_common::{Result, not_impl_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, TypeSignature, Volatility};
use std::sync::Arc;

/// Flink's further names of functions that are there: the name, and what it stands for.
pub(in crate::sql) const SYNONYMS: [(&str, &str); 3] =
    [("approx_count_distinct", "approx_distinct"), ("percentile", "percentile_cont"), ("variance", "var")];

/// What is refused, and what to write instead.
pub(in crate::sql) const REFUSED: [(&str, &str); 4] = [
    ("collect", "there is no type MULTISET; write ARRAY_AGG(x)"),
    ("nth_value", "write FIRST_VALUE, or number the rows with ROW_NUMBER() in a subquery"),
    ("grouping", "write one query per grouping, and UNION ALL"),
    ("approx_percentile_cont_with_weight", "write PERCENTILE(x, p), or APPROX_PERCENTILE_CONT(x, p)"),
];

/// The functions that are planned by what stands here.
pub(in crate::sql) fn functions() -> Vec<Arc<AggregateUDF>> {
    let refused = REFUSED.into_iter().map(|(name, instead)| {
        let signature = Signature::variadic_any(Volatility::Immutable);
        AggregateUDF::from(Planned { name, instead: Some(instead), signature })
    });
    let texts = vec![TypeSignature::String(1), TypeSignature::String(2)];
    let signature = Signature::one_of(texts, Volatility::Immutable);
    let list = AggregateUDF::from(Planned { name: "listagg", instead: None, signature });
    refused.chain([list]).chain(super::json::functions()).map(Arc::new).collect()
}

/// A function that is only planned: LISTAGG, which is computed as STRING_AGG is, or one that is refused.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Planned {
    name: &'static str,
    instead: Option<&'static str>,
    signature: Signature,
}

impl AggregateUDFImpl for Planned {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        match self.instead {
            None => Ok(DataType::Utf8View),
            Some(instead) => plan_err!("{} is not supported; {instead}", self.name.to_uppercase()),
        }
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!("{} is computed elsewhere", self.name.to_uppercase())
    }
}
