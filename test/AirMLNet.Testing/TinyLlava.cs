using System.Text.Json.Nodes;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Testing;

/// <summary>A LLaVA-NeXT of two layers with random weights, that of the reference case, with a vocabulary of bytes that fits it.</summary>
public static class TinyLlava
{
    /// <summary>Writes a model folder as one that was downloaded.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="rename">The names of the tensors in it; null for those of the reference case.</param>
    /// <param name="shards">How many files the weights are in.</param>
    public static string Create(string folder, Func<string, string>? rename = null, int shards = 1)
    {
        var source = TestData.Path("golden/llava-next-tiny");
        Directory.CreateDirectory(folder);
        foreach (var name in new[] { "config.json", "preprocessor_config.json" })
        {
            File.Copy(Path.Combine(source, name), Path.Combine(folder, name));
        }

        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(Path.Combine(source, "weights.safetensors"));
        var tensors = file.Entries.Keys.ToDictionary(n => rename?.Invoke(n) ?? n, n => file.GetTensor(n));
        if (shards == 1)
        {
            Safetensors.Write(Path.Combine(folder, "model.safetensors"), tensors);
        }
        else
        {
            var map = new JsonObject();
            foreach (var (i, part) in tensors.Chunk((tensors.Count + shards - 1) / shards).Index())
            {
                var name = $"model-{i + 1:D5}-of-{shards:D5}.safetensors";
                Safetensors.Write(Path.Combine(folder, name), part.ToDictionary());
                foreach (var (tensor, _) in part)
                {
                    map[tensor] = name;
                }
            }

            File.WriteAllText(
                Path.Combine(folder, "model.safetensors.index.json"),
                new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = map }.ToJsonString()
            );
        }

        // 3 special tokens and 256 bytes; the image's token is 259, as the reference case has it.
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer([], [], image: 259).ToJsonString());
        File.WriteAllText(Path.Combine(folder, "generation_config.json"), """{ "bos_token_id": 1, "eos_token_id": [2] }""");
        return folder;
    }

    /// <summary>A <c>tokenizer.json</c> of Llama's kind.</summary>
    /// <param name="tokens">Tokens after the special ones and the bytes, from id 259 on.</param>
    /// <param name="merges">Pairs with a blank between them.</param>
    /// <param name="image">Id of the image's token; null for the next one.</param>
    public static JsonObject Tokenizer(string[] tokens, string[] merges, int? image = null)
    {
        string[] all = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"), .. tokens];
        JsonObject Added(string token, int id) =>
            new()
            {
                ["id"] = id,
                ["content"] = token,
                ["special"] = true,
            };
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(Added("<unk>", 0), Added("<s>", 1), Added("</s>", 2), Added("<image>", image ?? all.Length)),
            ["normalizer"] = JsonNode.Parse(
                """
                { "type": "Sequence", "normalizers": [
                  { "type": "Prepend", "prepend": "▁" }, { "type": "Replace", "pattern": { "String": " " }, "content": "▁" }] }
                """
            ),
            ["post_processor"] = JsonNode.Parse(
                """
                { "type": "TemplateProcessing",
                  "single": [{ "SpecialToken": { "id": "<s>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
                  "special_tokens": { "<s>": { "id": "<s>", "ids": [1], "tokens": ["<s>"] } } }
                """
            ),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["vocab"] = new JsonObject(all.Select((t, i) => KeyValuePair.Create(t, (JsonNode?)i))),
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)m)]),
            },
        };
    }
}
