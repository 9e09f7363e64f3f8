//! A function of ours, as the planner's library sees it.

use super::form::{Form, Given};
use super::user::ScalarFunction;
use crate::sql::type_name;
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::fmt;
use std::hash::{Hash, Hasher};

/// A function that is the same for the same arguments always. NULL gives NULL unless a form takes it.
pub(super) struct Function {
    name: String,
    aliases: Vec<String>,
    forms: Vec<Form>,
    signature: Signature,
    documentation: Documentation,
}

const SECTION: DocSection = DocSection { include: true, label: "Functions", description: None };

/// A function of this name (in small letters), without forms yet.
///
/// * `syntax`: how it is called.
/// * `doc`: what it gives, in a sentence.
pub(super) fn function(name: &str, syntax: &str, doc: &str) -> Function {
    Function {
        name: name.to_lowercase(),
        aliases: Vec::new(),
        forms: Vec::new(),
        signature: Signature::user_defined(Volatility::Immutable),
        documentation: Documentation::builder(SECTION, doc, syntax).build(),
    }
}

impl Function {
    /// With another name.
    pub(super) fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// With a form that is a function of Rust.
    pub(super) fn of<M>(self, function: impl ScalarFunction<M>) -> Self {
        self.form(function.form().0)
    }

    /// With a form.
    pub(super) fn form(mut self, form: Form) -> Self {
        self.forms.push(form);
        self
    }

    fn refused<T>(&self, given: &[DataType]) -> Result<T> {
        let name = self.name.to_uppercase();
        let forms: Vec<String> = self.forms.iter().map(|form| format!("{name}({})", form.takes)).collect();
        let given: Vec<String> = given.iter().map(type_name).collect();
        plan_err!("found {name}({}); there is {}", given.join(", "), forms.join(" or "))
    }

    fn find(&self, types: &[DataType]) -> Option<(&Form, Vec<DataType>)> {
        self.forms.iter().find_map(|form| Some((form, form.convert(types)?)))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// One function is one object.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        // What it does not take is refused where the type of the result is asked for, in our own words.
        Ok(self.find(given).map_or_else(|| given.to_vec(), |(_, converted)| converted))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match self.find(arguments) {
            Some((form, converted)) => Ok(form.gives(&converted)),
            None => self.refused(arguments),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<DataType> = arguments.args.iter().map(ColumnarValue::data_type).collect();
        let Some((form, _)) = self.find(&types) else { return self.refused(&types) };
        let is_constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { arguments.number_rows };
        let mut columns = Vec::with_capacity(types.len());
        for argument in &arguments.args {
            columns.push(match argument {
                ColumnarValue::Array(array) => (array.clone(), false),
                ColumnarValue::Scalar(scalar) => (scalar.to_array_of_size(1)?, true),
            });
        }
        let given: Vec<Given<'_>> =
            columns.iter().map(|(array, is_constant)| Given { array, is_constant: *is_constant }).collect();
        let made = form
            .call(&given, rows, arguments.return_field.data_type())
            .map_err(|message| exec_datafusion_err!("{}: {message}", self.name.to_uppercase()))?;
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?));
        }
        Ok(ColumnarValue::Array(made))
    }
}
