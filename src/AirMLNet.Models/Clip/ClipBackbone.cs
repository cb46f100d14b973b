using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Files;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// A frozen CLIP model with its tokenizer and preprocessing: what the pipeline stages hold.
/// Immutable; one instance per folder, device, weights and settings is shared by all who acquire it.
/// </summary>
/// <remarks>All members may be called concurrently until the last holder calls <see cref="Release"/>.</remarks>
internal sealed class ClipBackbone
{
    private const int LargestSetting = 1 << 20;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, ClipBackbone> Shared = new(StringComparer.Ordinal);
    private static readonly Dictionary<string, (string Stamp, string Hash)> Hashes = new(StringComparer.Ordinal);

    private readonly string _key;
    private readonly long _bytes;
    private readonly Lazy<ClipTokenizer> _tokenizer;
    private int _holders;
    private bool _abandoned;

    private ClipBackbone(string key, string folder, string hash, Device device, ClipExecution execution)
    {
        Execution = execution;
        _key = key;
        Folder = folder;
        Name = Path.GetFileName(folder);
        WeightsSha256 = hash;
        Device = device;
        // Images alone need none.
        _tokenizer = new(() => ClipTokenizer.Load(folder).For(Model!.Config.Text, folder));
        Preprocessor = ClipPreprocessor.Load(folder);
        Model = ClipModel.Load(folder, device, execution.Activation);
        if (Preprocessor.Size != Model.Config.Vision.ImageSize)
        {
            var (size, wanted) = (Preprocessor.Size, Model.Config.Vision.ImageSize);
            Model.Dispose();
            throw new InvalidDataException(
                $"{folder}: images are preprocessed to {size} pixels ({Preprocessor.SizeKey}), but the model takes {wanted} "
                    + $"({ClipPreprocessing.ModelSizeKey(folder) ?? "by its weights"})."
            );
        }
        foreach (var parameter in Model.parameters())
        {
            parameter.requires_grad = false;
        }
        LogitScale = Math.Exp(Model.logit_scale.item<float>());
        if (execution.Precision != ClipPrecision.Float32)
        {
            Model.to(TypeOf(execution.Precision, device));
        }
        foreach (var layer in Model.modules().OfType<LinearLayer>())
        {
            layer.Freeze();
        }
        // The collector sees none of it, and would take its time with models that are left to it.
        _bytes = device.type == DeviceType.CPU ? Model.parameters().Sum(p => p.NumberOfElements * p.ElementSize) : 0;
        if (_bytes > 0)
        {
            GC.AddMemoryPressure(_bytes);
        }
    }

    /// <summary>The name of the model: its folder's.</summary>
    public string Name { get; }

    /// <summary>Full path of the model folder.</summary>
    public string Folder { get; }

    /// <summary>SHA-256 of the weights file, lower-case hex; for shards, of the list of their hashes.</summary>
    public string WeightsSha256 { get; }

    /// <summary>Precision and activation, as they were asked for.</summary>
    public ClipExecution Execution { get; }

    /// <summary>The model: frozen, in the precision of <see cref="Execution"/>. Do not change or dispose it.</summary>
    public ClipModel Model { get; }

    /// <summary>The model's tokenizer, read when it is first asked for: a folder for images alone may have none.</summary>
    /// <exception cref="FileNotFoundException">The folder holds no tokenizer.</exception>
    /// <exception cref="InvalidDataException">Its files are damaged.</exception>
    public ClipTokenizer Tokenizer => _tokenizer.Value;

    /// <summary>The model's image preprocessing.</summary>
    public ClipPreprocessor Preprocessor { get; }

    /// <summary>Length D of a feature.</summary>
    public int FeatureDimension => Model.Config.ProjectionDim;

    /// <summary>The factor of a cosine in the logits, exp of the stored value; about 100 in the published models.</summary>
    public double LogitScale { get; }

    /// <summary>Where the model runs.</summary>
    public Device Device { get; }

    /// <summary>
    /// Loads a model folder, or gives the instance that is loaded already. Every call needs one <see cref="Release"/>.
    /// </summary>
    /// <param name="folder">A model folder as <see cref="ClipModel.Load(string, Device?, ClipActivation?)"/> takes it, with tokenizer
    /// files.</param>
    /// <param name="device">Where to run; CPU when null.</param>
    /// <param name="execution">Precision and activation; float32 and the model's own when null.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">Weights or tokenizer files are missing.</exception>
    /// <exception cref="InvalidDataException">The files do not fit together.</exception>
    /// <exception cref="ArgumentException">The precision is one that the device does not compute in.</exception>
    public static ClipBackbone Acquire(string folder, Device? device = null, ClipExecution? execution = null)
    {
        execution ??= new ClipExecution();
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var where = device ?? CPU;
        _ = TypeOf(execution.Precision, where);
        // Loading under the lock: two stages that ask at once for the same model must not both read it.
        lock (Gate)
        {
            var hash = HashOf(full);
            var key = $"{full}\n{where}\n{hash}\n{SettingsOf(full)}\n{execution}";
            if (!Shared.TryGetValue(key, out var backbone))
            {
                using var scope = NewDisposeScope();
                backbone = new ClipBackbone(key, full, hash, where, execution);
                Shared.Add(key, backbone);
            }
            backbone._holders++;
            return backbone;
        }
    }

    /// <summary>Gives one acquisition back. The last one frees the weights.</summary>
    /// <exception cref="InvalidOperationException">More releases than acquisitions.</exception>
    public void Release()
    {
        lock (Gate)
        {
            if (_holders == 0)
            {
                throw new InvalidOperationException($"The model {Folder} was released more often than it was acquired.");
            }
            GiveBack();
        }
    }

    /// <summary>
    /// Gives back the acquisition of a holder that was collected. Whoever took the model from that holder may still compute with it, so
    /// nobody frees the weights from now on: the collector does, once nobody refers to them.
    /// </summary>
    internal void Abandon()
    {
        lock (Gate)
        {
            _abandoned = true;
            if (_holders > 0)
            {
                GiveBack();
            }
        }
    }

    private void GiveBack()
    {
        if (--_holders > 0)
        {
            return;
        }
        Shared.Remove(_key);
        if (_bytes > 0)
        {
            GC.RemoveMemoryPressure(_bytes);
        }
        if (!_abandoned)
        {
            Model.Dispose();
        }
    }

    /// <summary>Features of texts, such as filled prompt templates. A text too long for the context is cut.</summary>
    /// <param name="texts">N texts.</param>
    /// <param name="cancellation">Checked before each batch, about a second's work.</param>
    /// <returns>[N, D] on <see cref="Device"/>, rows of length 1, without gradient.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Tensor EncodeTexts(IReadOnlyList<string> texts, CancellationToken cancellation = default)
    {
        var most = ClipBatchSize.Texts(this);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> parts = [];
        for (var start = 0; start < texts.Count; start += most)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(most, texts.Count - start);
            var length = Tokenizer.ContextLength;
            var ids = new long[count * length];
            for (var i = 0; i < count; i++)
            {
                Tokenizer.Tokenize(texts[start + i], ids.AsSpan(i * length, length));
            }
            using var batch = tensor(ids, [count, length], device: Device);
            using var raw = Model.EncodeText(batch);
            parts.Add(Finite(ClipModel.Normalise(raw.to_type(ScalarType.Float32))));
        }
        return (
            parts.Count switch
            {
                0 => zeros([0, FeatureDimension], device: Device),
                1 => parts[0],
                _ => cat(parts, 0),
            }
        ).MoveToOuterDisposeScope();
    }

    /// <summary>Features of tokenized texts. The result for a text does not depend on its batch, to 1e-5.</summary>
    /// <param name="ids">count·L ids, as <see cref="ClipTokenizer.Tokenize(string, bool)"/> gives them, texts one after the other.</param>
    /// <param name="count">Number of texts.</param>
    /// <param name="features">Receives count·D values, each feature of length 1.</param>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    public void EncodeTokens(ReadOnlySpan<long> ids, int count, Span<float> features)
    {
        if (count < 1 || ids.Length != count * Tokenizer.ContextLength || features.Length != count * FeatureDimension)
        {
            throw new ArgumentException(
                $"{count} texts of {Tokenizer.ContextLength} ids and room for {FeatureDimension} values each were expected, not "
                    + $"{ids.Length} and {features.Length}.",
                nameof(ids)
            );
        }
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var batch = tensor(ids.ToArray(), [count, Tokenizer.ContextLength], device: Device);
        using var raw = Model.EncodeText(batch);
        var output = Finite(ClipModel.Normalise(raw.to_type(ScalarType.Float32))).cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(output.bytes).CopyTo(features);
    }

    /// <summary>Features of preprocessed images. The result for an image does not depend on its batch, to 1e-5.</summary>
    /// <param name="pixels">count·3·S·S values, images one after the other, channels first.</param>
    /// <param name="count">Number of images.</param>
    /// <param name="features">Receives count·D values, each feature of length 1.</param>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    public void EncodeImages(ReadOnlySpan<float> pixels, int count, Span<float> features)
    {
        var size = Preprocessor.Size;
        if (count < 0 || pixels.Length != (long)count * 3 * size * size)
        {
            throw new ArgumentException(
                $"{count} images of 3·{size}·{size} values were expected, not {pixels.Length} values.",
                nameof(pixels)
            );
        }
        if (features.Length != (long)count * FeatureDimension)
        {
            throw new ArgumentException(
                $"Room for {count}·{FeatureDimension} values was expected, not {features.Length}.",
                nameof(features)
            );
        }
        if (count == 0)
        {
            return;
        }
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var raw = Model.EncodeImage(Tensors.Of(pixels, [count, 3, size, size], Device).to_type(Model.logit_scale.dtype));
        var output = Finite(ClipModel.Normalise(raw.to_type(ScalarType.Float32))).cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(output.bytes).CopyTo(features);
    }

    /// <summary>Refuses features that are no numbers: every class would be as good as the other.</summary>
    private Tensor Finite(Tensor features) =>
        float.IsFinite(features.sum().item<float>())
            ? features
            : throw new InvalidDataException(
                $"{Folder}: the model gave values that are not numbers"
                    + (
                        Execution.Precision == ClipPrecision.Float16
                            ? "; its values may be too large for Float16."
                            : "; its weights are damaged."
                    )
            );

    /// <summary>The type of the numbers of a precision.</summary>
    /// <exception cref="ArgumentException">The device does not compute in it.</exception>
    internal static ScalarType TypeOf(ClipPrecision precision, Device device) =>
        precision switch
        {
            ClipPrecision.Float32 => ScalarType.Float32,
            ClipPrecision.BFloat16 => ScalarType.BFloat16,
            _ when device.type != DeviceType.CPU => ScalarType.Float16,
            _ => throw new ArgumentException(
                "Precision is Float16, which only GPUs compute in; Float32 and BFloat16 run on a CPU.",
                nameof(precision)
            ),
        };

    /// <summary><see cref="WeightsSha256"/> of a folder, whose weights are not loaded.</summary>
    internal static string WeightsOf(string folder)
    {
        lock (Gate)
        {
            return HashOf(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        }
    }

    /// <summary>The hash of a folder's weights, computed again only when a file's size or time has changed.</summary>
    private static string HashOf(string folder)
    {
        var (paths, description) = WeightFiles.Locate(folder, ClipWeightNames.FilesOf(folder));
        var stamp = string.Join("|", paths.Select(RealFile.Of).Select(f => $"{f.FullName}:{f.Length}:{f.LastWriteTimeUtc.Ticks}"));
        if (!Hashes.TryGetValue(description, out var known) || known.Stamp != stamp)
        {
            Hashes[description] = known = (stamp, WeightFiles.Sha256(paths));
        }
        return known.Hash;
    }

    /// <summary>
    /// A hash of the files of a folder that decide a feature beside its weights: configuration, preprocessing, tokenizer. Large ones count
    /// by size and time.
    /// </summary>
    private static string SettingsOf(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var places = ClipTokenizerFiles.Folders(folder).Where(Directory.Exists);
        foreach (var file in places.SelectMany(Directory.EnumerateFiles).Order(StringComparer.Ordinal).Where(IsSetting))
        {
            var real = RealFile.Of(file);
            if (real is { Exists: true, Length: > 0 }) // what is no plain file has none
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{file}\n{real.Length}\n"));
                hash.AppendData(Content(real));
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        static byte[] Content(FileInfo file)
        {
            try
            {
                return file.Length > LargestSetting ? BitConverter.GetBytes(file.LastWriteTimeUtc.Ticks) : File.ReadAllBytes(file.FullName);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) // whoever needs it will say so
            {
                return [];
            }
        }

        static bool IsSetting(string file) => Path.GetExtension(file) is ".json" or ".txt" or ".gz";
    }
}
