//! A BERT sentence encoder (such as all-MiniLM-L6-v2) with candle: mean over the tokens, brought to length one.

use std::path::Path;

use candle_core::{DType, Device, IndexOp, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

/// Tokens of a text that count; the model was trained on 256 (its model card).
const LONGEST: usize = 256;

/// A loaded model.
pub(super) struct MiniLm {
    model: BertModel,
    tokenizer: Tokenizer,
    dimensions: usize,
}

impl MiniLm {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors`.
    pub(super) fn load(directory: &Path) -> Result<Self, String> {
        let file = |name: &str| directory.join(name);
        let read = |name: &str| {
            std::fs::read(file(name))
                .map_err(|error| format!("cannot read {}: {error}", file(name).display()))
        };
        let config: Config = serde_json::from_slice(&read("config.json")?).map_err(|error| {
            format!("{} is no BERT configuration: {error}", file("config.json").display())
        })?;
        let mut tokenizer = Tokenizer::from_bytes(read("tokenizer.json")?)
            .map_err(|error| format!("{} is no tokenizer: {error}", file("tokenizer.json").display()))?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        tokenizer
            .with_truncation(Some(TruncationParams { max_length: LONGEST, ..TruncationParams::default() }))
            .map_err(|error| error.to_string())?;
        let weights = read("model.safetensors")?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)
            .map_err(|error| format!("{} holds no weights: {error}", file("model.safetensors").display()))?;
        let dimensions = config.hidden_size;
        let model =
            BertModel::load(weights, &config).map_err(|error| format!("the weights do not fit: {error}"))?;
        Ok(Self { model, tokenizer, dimensions })
    }

    /// Numbers in a vector.
    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The unit vectors of `texts`.
    pub(super) fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        let encodings =
            self.tokenizer.encode_batch(texts.to_vec(), true).map_err(|error| error.to_string())?;
        let rows = |values: fn(&tokenizers::Encoding) -> &[u32]| -> Vec<Vec<u32>> {
            encodings.iter().map(|encoding| values(encoding).to_vec()).collect()
        };
        self.forward(rows(tokenizers::Encoding::get_ids), rows(tokenizers::Encoding::get_attention_mask))
            .map_err(|error| error.to_string())
    }

    fn forward(&self, ids: Vec<Vec<u32>>, mask: Vec<Vec<u32>>) -> candle_core::Result<Vec<Vec<f32>>> {
        let device = &Device::Cpu;
        let count = ids.len();
        let ids = Tensor::new(ids, device)?;
        let mask = Tensor::new(mask, device)?;
        let kinds = ids.zeros_like()?;
        let hidden = self.model.forward(&ids, &kinds, Some(&mask))?;
        let weights = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let sum = hidden.broadcast_mul(&weights)?.sum(1)?;
        let mean = sum.broadcast_div(&weights.sum(1)?.clamp(1e-9, f64::INFINITY)?)?;
        let length = mean.sqr()?.sum_keepdim(1)?.sqrt()?.clamp(1e-12, f64::INFINITY)?;
        let unit = mean.broadcast_div(&length)?;
        (0..count).map(|row| unit.i(row)?.to_vec1::<f32>()).collect()
    }
}
