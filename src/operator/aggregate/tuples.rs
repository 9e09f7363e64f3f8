//! Several aggregates over the same records.

use super::Aggregate;

macro_rules! tuples {
    ($($aggregate:ident $at:tt),*) => {
        /// All of them over the same records; the value is the tuple of their values.
        impl<T, $($aggregate: Aggregate<T>),*> Aggregate<T> for ($($aggregate,)*) {
            type Accumulator = ($($aggregate::Accumulator,)*);
            type Output = ($($aggregate::Output,)*);

            fn create(&self) -> Self::Accumulator {
                ($(self.$at.create(),)*)
            }

            fn add(&self, accumulator: &mut Self::Accumulator, record: &T) {
                $(self.$at.add(&mut accumulator.$at, record);)*
            }

            fn merge(&self, into: &mut Self::Accumulator, other: Self::Accumulator) {
                $(self.$at.merge(&mut into.$at, other.$at);)*
            }

            fn finish(&self, accumulator: Self::Accumulator) -> Self::Output {
                ($(self.$at.finish(accumulator.$at),)*)
            }

            fn grows(&self) -> bool {
                $(self.$at.grows())||*
            }
        }
    };
}

tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::super::{Avg, Count, Max, MinBy, Sum, laws};
    use proptest::prelude::*;

    #[test]
    fn each_of_several_aggregates_sees_every_record() {
        let several = (Count, Sum::of(|n: &u32| *n), Max::of(|n: &u32| *n), Avg::of(|n: &u32| *n));
        assert_eq!(laws::all(&several, &[3, 1, 8]), (3, 12, 8, 4.0));
    }

    proptest! {
        #[test]
        fn tuples_merge(records in laws::parts(any::<(i16, u8)>())) {
            laws::hold(&(Count, MinBy::of(|r: &(i16, u8)| r.1)), &records)?;
            laws::hold(&(Count, Count, (Count, Sum::of(|r: &(i16, u8)| r.0))), &records)?;
        }
    }
}
