//! Functions that Flink has and we do not, with the reason.

use arrow::datatypes::DataType;
use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use std::sync::Arc;

const CHANCE: &str = "a replay after a failure would give other rows; make the value in the source, or of a key by MD5";

const VARIANT: &str = "there is no type VARIANT; JSON_VALUE and JSON_QUERY read a STRING";

const GROUPING: &str = "write one query per grouping, and UNION ALL";

/// The names and what to do instead.
const REFUSED: &[(&str, &str)] = &[
    ("uuid", CHANCE),
    ("rand", CHANCE),
    ("rand_integer", CHANCE),
    ("random", CHANCE),
    ("printf", "write CONCAT, with LPAD and ROUND for the form of numbers"),
    ("url_decode_recursive", "write URL_DECODE(URL_DECODE(string))"),
    ("parse_json", VARIANT),
    ("try_parse_json", VARIANT),
    ("object_of", "there are no structured types; write ROW(..), or JSON_OBJECT(..)"),
    ("object_update", "there are no structured types; write ROW(..), or JSON_OBJECT(..)"),
    ("group_id", GROUPING),
    ("grouping_id", GROUPING),
    ("source_watermark", "write the delay: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"),
    ("today", "write CURRENT_DATE"),
    ("version", "ask the command line: `millstream --version`"),
    ("current_watermark", "late rows go to a table of their own by the option for them"),
    ("current_database", "there is one database"),
    ("to_timestamp_seconds", "write TO_TIMESTAMP_LTZ(n, 0)"),
    ("to_timestamp_millis", "write TO_TIMESTAMP_LTZ(n, 3)"),
    ("to_timestamp_micros", "write TO_TIMESTAMP_LTZ(n / 1000, 3)"),
    ("to_timestamp_nanos", "write TO_TIMESTAMP_LTZ(n / 1000000, 3)"),
    ("to_unixtime", "write UNIX_TIMESTAMP(string)"),
    ("to_local_time", "write CONVERT_TZ"),
    ("to_char", "write DATE_FORMAT"),
];

/// Functions that are refused wherever they are called.
pub(super) fn refused() -> Vec<Arc<ScalarUDF>> {
    let of = |(name, instead): &(&'static str, &'static str)| {
        let any = TypeSignature::OneOf(vec![TypeSignature::Nullary, TypeSignature::VariadicAny]);
        let signature = Signature::new(any, Volatility::Volatile);
        Arc::new(ScalarUDF::from(RefusedFunction { name, instead, signature }))
    };
    REFUSED.iter().map(of).collect()
}

/// Whether a function is one of them: not to be listed.
pub(in crate::sql) fn is_refused(function: &ScalarUDF) -> bool {
    function.inner().downcast_ref::<RefusedFunction>().is_some()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RefusedFunction {
    name: &'static str,
    instead: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for RefusedFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("{} is not supported; {}", self.name.to_uppercase(), self.instead)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        plan_err!("{} is not supported; {}", self.name.to_uppercase(), self.instead)
    }
}
