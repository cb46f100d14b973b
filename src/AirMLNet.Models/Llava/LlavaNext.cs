using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Layers;
using AirMLNet.Options;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Llava;

/// <summary>How a <see cref="LlavaNext"/> is loaded and asked. Values are checked when they are set.</summary>
public sealed record LlavaNextOptions
{
    /// <summary>The numbers the model computes in. Of seven billion weights, 28 GB in float32 and 14 GB in the others.</summary>
    public ClipPrecision Precision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>The longest answer in tokens, 1..4096. LatteCLIP's 77 by default.</summary>
    public int MaxTokens
    {
        get;
        init => field = OptionCheck.Range(value, 1, 4096);
    } = 77;

    /// <summary>What is put around a question, which stands in the place of <c>{}</c>; <c>&lt;image&gt;</c> stands for the image.</summary>
    public string Template
    {
        get;
        init =>
            field =
                value is not null && value.Split("{}").Length == 2 && value.Split(LlavaNext.ImageToken).Length == 2
                    ? value
                    : throw new ArgumentException(
                        $"{nameof(Template)} = '{value}'; expected a text with {{}} and {LlavaNext.ImageToken} once each.",
                        nameof(Template)
                    );
    } = "[INST] <image>\n{} [/INST]";
}

/// <summary>
/// LLaVA-NeXT (LLaVA 1.6; Liu et al. 2024) with a Mistral or Llama decoder, such as <c>llava-hf/llava-v1.6-mistral-7b-hf</c>: answers
/// questions about an image by greedy decoding. Safe for concurrent use; one answer is computed at a time.
/// </summary>
public sealed class LlavaNext : IDisposable
{
    internal const string ImageToken = "<image>";
    private readonly Lock _one = new();
    private readonly LlavaNextModel _model;
    private readonly LlavaImageProcessor _processor;
    private readonly LlamaTokenizer _tokenizer;
    private readonly Device _device;
    private readonly int[] _ends;
    private readonly int _imageId;
    private readonly Lazy<string> _hash;

    private LlavaNext(string folder, LlavaNextModel model, Device device, LlavaNextOptions options)
    {
        (_model, _device, Options) = (model, device, options);
        _tokenizer = LlamaTokenizer.Load(folder);
        _processor = LlavaImageProcessor.Load(folder, model.Config);
        var id = model.Config.ImageTokenIndex ?? _tokenizer.Id(ImageToken);
        if (id is null || _tokenizer.Id(ImageToken) != id)
        {
            throw new InvalidDataException(
                $"{folder}: {ImageToken} has the id {Shown(_tokenizer.Id(ImageToken), "none")} in tokenizer.json; it must be "
                    + $"image_token_index of config.json ({Shown(id, "missing")})."
            );
        }

        _imageId = id.Value;
        _ends = Ends(folder) ?? [.. model.Config.Text.EosTokenId];
        SettingsSha256 = HashOfSettings(folder);
        _hash = new(() => WeightFiles.Sha256(WeightFiles.Locate(folder, LlavaNextModel.Files).Paths));
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
    }

    /// <summary>The name of the model: its folder's.</summary>
    public string Name { get; }

    /// <summary>How it is asked.</summary>
    public LlavaNextOptions Options { get; }

    /// <summary>SHA-256 of the weights, lower-case hex; of shards, of the list of their hashes. Computed when first asked for.</summary>
    public string WeightsSha256 => _hash.Value;

    /// <summary>SHA-256 of the list of the hashes of all .json files of the folder, which decide an answer beside the weights: the
    /// model's configuration, its preprocessing, its tokenizer, and where an answer ends.</summary>
    internal string SettingsSha256 { get; }

    /// <summary>
    /// Loads a model folder as it is downloaded: <c>config.json</c>, <c>preprocessor_config.json</c>, <c>tokenizer.json</c>,
    /// <c>generation_config.json</c>, and safetensors in one file or in shards with their index.
    /// </summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="device">Where to run; CPU when null.</param>
    /// <param name="options">How; float32 when null.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">A file or a shard is missing.</exception>
    /// <exception cref="InvalidDataException">The files do not make such a model; the message names what does not fit.</exception>
    /// <exception cref="SafetensorsException">A weights file is corrupt.</exception>
    /// <exception cref="ArgumentException">The precision is one that the device does not compute in.</exception>
    public static LlavaNext Load(string folder, Device? device = null, LlavaNextOptions? options = null)
    {
        OptionCheck.NotBlank(folder);
        options ??= new LlavaNextOptions();
        var where = device ?? CPU;
        var type = ClipBackbone.TypeOf(options.Precision, where);
        using var scope = NewDisposeScope();
        var model = LlavaNextModel.Load(folder, where, type);
        try
        {
            return new(folder, model, where, options);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Answers a question about an image. The same image and question always give the same answer.</summary>
    /// <param name="image">The image.</param>
    /// <param name="question">What is asked.</param>
    /// <param name="cancellation">Looked at before each token.</param>
    /// <returns>The answer, without blanks around it.</returns>
    /// <exception cref="ArgumentException">The question holds the image's token, or is too long for the model.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public string Answer(RgbImage image, string question, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(question);
        if (question.Contains(ImageToken, StringComparison.Ordinal))
        {
            throw new ArgumentException($"The question holds {ImageToken}, which stands for the image: '{question}'.", nameof(question));
        }

        var text = _tokenizer.Encode(Options.Template.Replace("{}", question, StringComparison.Ordinal));
        var (pixels, tiles) = _processor.Process(image);
        lock (_one)
        {
            cancellation.ThrowIfCancellationRequested();
            using var off = no_grad();
            using var scope = NewDisposeScope();
            var features = Features(pixels, tiles, image); // [tokens, W]
            long[] ids = [.. text.SelectMany(id => Enumerable.Repeat((long)id, id == _imageId ? (int)features.size(0) : 1))];
            var prompt = _model.Merge(tensor(ids, device: _device), features); // [1, L, W]
            var answer = LlavaGreedy.Continue(_model.Language, prompt, null, _ends, Options.MaxTokens, cancellation);
            return _tokenizer.Decode(answer.data<long>().ToArray().Select(i => (int)i)).Trim();
        }
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => _model.Dispose();

    private Tensor Features(float[] pixels, int tiles, RgbImage image)
    {
        using var scope = NewDisposeScope();
        var batch = Tensors.Of(pixels, [tiles, 3, _processor.Size, _processor.Size], _device);
        return _model.Pack(_model.Project(_model.Places(batch)), image.Height, image.Width).MoveToOuterDisposeScope();
    }

    private static string HashOfSettings(string folder)
    {
        var files = Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal);
        var list = string.Concat(files.Select(f => $"{FileHash.Sha256(f)}  {Path.GetFileName(f)}\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list)));
    }

    private static string Shown(int? id, string none) => id?.ToString(CultureInfo.InvariantCulture) ?? none;

    // Greedy decoding needs no more of this file.
    private static int[]? Ends(string folder)
    {
        const string Key = "eos_token_id";
        var path = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(path))
        {
            return null;
        }

        var file = ConfigFile.Open(path);
        try
        {
            return file.At(Key) switch
            {
                null => null,
                JsonArray list => [.. list.Select(id => (int)id!)],
                var id => [(int)id],
            };
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            throw file.Bad(Key, OneOrListConverter.Expected);
        }
    }
}
