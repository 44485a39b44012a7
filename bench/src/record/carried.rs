//! A latency series on its way from one process to another: HdrHistogram's own V2 encoding, so nothing is lost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as Decoder, Serializer as Encoder, V2Serializer};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Series;

/// What is written of a series.
#[derive(Serialize, Deserialize)]
struct Carried {
    negative: u64,
    /// In Base64.
    v2: String,
}

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        let encoded = V2Serializer::new().serialize(&self.histogram, &mut bytes);
        encoded.map_err(|error| S::Error::custom(format!("a histogram: {error:?}")))?;
        let v2 = STANDARD.encode(bytes);
        let negative = self.negative;
        Carried { negative, v2 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let carried = Carried::deserialize(deserializer)?;
        let bytes = STANDARD.decode(&carried.v2).map_err(D::Error::custom)?;
        let wrong = |why: String| D::Error::custom(format!("a histogram: {why}"));
        let other: Histogram<u64> = Decoder::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| wrong(format!("{error:?}")))?;
        let mut series = Self::default();
        if (other.high(), other.sigfig()) != (series.histogram.high(), series.histogram.sigfig()) {
            return Err(wrong("its bounds are not those of this program".to_owned()));
        }
        let added = series.histogram.add(&other);
        added.map_err(|error| wrong(error.to_string()))?;
        series.negative = carried.negative;
        Ok(series)
    }
}
