using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Diffusion;
using static TorchSharp.torch;

namespace AirMLNet.Testing;

/// <summary>Stable Diffusion XL in tiny, with random weights: two text encoders and an added condition.</summary>
public static class TinyXl
{
    private const int Pooled = 12,
        TimeWidth = 8;

    /// <summary>Writes the model's folder.</summary>
    /// <param name="folder">The folder; must not exist.</param>
    public static string Write(string folder)
    {
        TinyModels.Copy(TinyModels.Diffusion, folder);
        using var generator = new Generator(2);
        using var unet = new UNet2DConditionModel(
            TinyDiffusion.UNet with
            {
                CrossAttentionDim = 32 + 16,
                AdditionEmbedType = UNet2DConditionConfig.TextTime,
                AdditionTimeEmbedDim = TimeWidth,
                ProjectionClassEmbeddingsInputDim = Pooled + (UNet2DConditionConfig.TimeIds * TimeWidth),
                TransformerLayersPerBlock = [1, 2],
                UseLinearProjection = true,
            },
            generator
        );
        unet.Save(Path.Combine(folder, "unet"), ScalarType.Float32);
        using var text = new ClipTextModel(
            new()
            {
                HiddenSize = 16,
                IntermediateSize = 32,
                Layers = 2,
                Heads = 2,
                ContextLength = 32,
                VocabularySize = 900,
                Activation = ClipActivation.Gelu,
                ProjectionDim = Pooled,
            },
            generator
        );
        text.Save(Path.Combine(folder, "text_encoder_2"), ScalarType.Float32);
        var tokenizer = Path.Combine(folder, "tokenizer_2");
        TinyModels.Copy(Path.Combine(folder, "tokenizer"), tokenizer);
        File.WriteAllText(Path.Combine(tokenizer, "special_tokens_map.json"), """{ "pad_token": "!" }""");
        if (File.Exists(Path.Combine(tokenizer, "tokenizer_config.json")))
        {
            File.Delete(Path.Combine(tokenizer, "tokenizer_config.json"));
        }

        Change(
            folder,
            json =>
            {
                json["_class_name"] = "StableDiffusionXLPipeline";
                json["text_encoder_2"] = new JsonArray("transformers", "CLIPTextModelWithProjection");
                json["tokenizer_2"] = new JsonArray("transformers", "CLIPTokenizer");
            }
        );
        return folder;
    }

    /// <summary>Changes the model's index.</summary>
    public static void Change(string folder, Action<JsonObject> change)
    {
        var index = Path.Combine(folder, "model_index.json");
        var json = (JsonObject)JsonNode.Parse(File.ReadAllText(index))!;
        change(json);
        File.WriteAllText(index, json.ToJsonString());
    }
}
