//! What of each side stays.

use crate::sql::exec::ExecError;
use crate::sql::position::Position;
use datafusion_common::JoinType;

/// What a join makes of rows with partners and without. Side 0 is the left one; a semi or anti join that keeps right rows is
/// one that keeps left rows, with its sides exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pairs, and of each side the rows without a partner, if so said.
    Pairs {
        /// Of which sides.
        alone: [bool; 2],
    },
    /// The rows of side 0 that have a partner.
    Semi,
    /// The rows of side 0 that have none.
    Anti,
}

impl Kind {
    /// The kind, and whether the sides are to be exchanged.
    pub(super) fn of(kind: JoinType, at: Position) -> Result<(Self, bool), ExecError> {
        let pairs = |left, right| (Kind::Pairs { alone: [left, right] }, false);
        Ok(match kind {
            JoinType::Inner => pairs(false, false),
            JoinType::Left => pairs(true, false),
            JoinType::Right => pairs(false, true),
            JoinType::Full => pairs(true, true),
            JoinType::LeftSemi => (Kind::Semi, false),
            JoinType::RightSemi => (Kind::Semi, true),
            JoinType::LeftAnti => (Kind::Anti, false),
            JoinType::RightAnti => (Kind::Anti, true),
            JoinType::LeftMark | JoinType::RightMark => {
                let what = "EXISTS or IN with a query within OR or CASE".to_owned();
                let instead = "write it as a condition of its own, joined by AND".to_owned();
                return Err(ExecError::Unsupported { at, what, instead });
            }
        })
    }

    /// Whether rows of a side that have no partner are told.
    pub(super) fn tells_alone(self, side: usize) -> bool {
        match self {
            Kind::Pairs { alone } => alone[side],
            Kind::Semi => false,
            Kind::Anti => side == 0,
        }
    }

    /// Whether it counts if a row of a side has partners.
    pub(super) fn minds_partners(self, side: usize) -> bool {
        self.tells_alone(side) || (self == Kind::Semi && side == 0)
    }

    /// Whether both rows of a pair go out.
    pub(super) fn gives_pairs(self) -> bool {
        matches!(self, Kind::Pairs { .. })
    }
}
