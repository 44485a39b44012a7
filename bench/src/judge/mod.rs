//! What a result means: whether its gates hold.

pub mod gate;
