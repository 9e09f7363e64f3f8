//! The stored form of keys and state values: postcard, through serde.

use serde::{Serialize, de::DeserializeOwned};

/// Bytes that are not what they should be, or a value that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{type_name}: {cause}")]
pub struct CodecError {
    /// The Rust type that was to be read or written.
    type_name: &'static str,
    /// What the codec said.
    #[source]
    cause: postcard::Error,
}

fn error<T>(cause: postcard::Error) -> CodecError {
    CodecError { type_name: std::any::type_name::<T>(), cause }
}

/// A sink for encoded bytes that appends to a vector.
struct Append<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends the encoding of `value` to `bytes`.
///
/// # Errors
/// If the type's own `Serialize` refuses, or it is a sequence of unknown length.
pub(crate) fn encode_into<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    postcard::serialize_with_flavor(value, Append(bytes)).map_err(error::<&T>)
}

/// The encoding of `value`.
///
/// # Errors
/// If the type's own `Serialize` refuses, or it is a sequence of unknown length.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes)?;
    Ok(bytes)
}

/// Reads a value back that takes all of `bytes`.
///
/// # Errors
/// If the bytes are no encoding of a `T`, or go on behind it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match decode_prefix(bytes)? {
        (value, []) => Ok(value),
        _ => Err(error::<T>(postcard::Error::SerdeDeCustom)),
    }
}

/// Reads a value from the front of `bytes` and returns what follows it.
///
/// # Errors
/// If the bytes do not begin with an encoding of a `T`.
pub(crate) fn decode_prefix<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), CodecError> {
    postcard::take_from_bytes(bytes).map_err(error::<T>)
}
