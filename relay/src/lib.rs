//! A minimal reference relay.
