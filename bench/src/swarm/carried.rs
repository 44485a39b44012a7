//! What a worker is told and tells that has no form of its own in JSON.

/// Sequence numbers by channel and publisher: a list, since the keys of an object are texts.
pub(super) mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::super::Pairs;
    use crate::record::Ranges;

    pub(in crate::swarm) fn serialize<S: Serializer>(
        pairs: &Pairs,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let list: Vec<(&(u32, u16), &Ranges)> = pairs.iter().collect();
        list.serialize(serializer)
    }

    pub(in crate::swarm) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Pairs, D::Error> {
        let list = Vec::<((u32, u16), Ranges)>::deserialize(deserializer)?;
        Ok(list.into_iter().collect())
    }
}

/// A token, on its way to those who send it and to nobody else: only an assignment may carry it.
pub(super) mod token {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::scenario::Token;

    pub(in crate::swarm) fn serialize<S: Serializer>(
        token: &Option<Token>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        token.as_ref().map(Token::expose).serialize(serializer)
    }

    pub(in crate::swarm) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Token>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let token = text.map(|text| Token::new(&text)).transpose();
        token.map_err(|why| D::Error::custom(format!("the token {why}")))
    }
}
