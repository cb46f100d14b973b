using AirMLNet.Native;
using TorchSharp;

namespace AirMLNet.Verification;

/// <summary>
/// Runs reference cases: folders with a model's weights, inputs and the outputs an independent implementation gave.
/// </summary>
internal static class CaseVerifier
{
    // A new kind of case is one more class here.
    private static readonly ICaseKind[] Kinds =
    [
        new TaiDptCase(),
        new ClipVitCase(),
        new ClipResNetCase(),
        new TokenizerCase(),
        new PreprocessCase(),
        new TextEncoderCase(),
        new UNetCase(),
        new VaeCase(),
        new SchedulersCase(),
        new StableDiffusionCase(),
        new LoraFilesCase(),
        new CollageCase(),
        new LatteClipCase(),
        new ReClipCase(),
        new T2iPalCase(),
        new DualCoOpCase(),
        new MultiLabelMetricsCase(),
        new LlavaNextCase(),
        new LossesCase(),
    ];

    /// <summary>Runs the case in a folder with each of its weights files and compares every output it lists.</summary>
    /// <param name="folder">
    /// The case: <c>case.json</c>, a model configuration, <c>weights*.safetensors</c> and <c>io.safetensors</c>
    /// (<c>in.*</c>, <c>out.*</c>, <c>grad.*</c>), or a tokenizer's <c>cases.json</c>. Its kind is read off the files, not the folder's
    /// name.
    /// </param>
    /// <param name="device">Where to run it; the CPU where null.</param>
    /// <returns>The report. An output that this version does not know is a failing row.</returns>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">The folder is no case of a known kind, or has nothing to compare.</exception>
    /// <exception cref="Weights.SafetensorsException">A file of the case is corrupt.</exception>
    public static VerificationReport Verify(string folder, torch.Device? device = null)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no case folder {folder}.");
        }
        LibTorch.Require();
        if (device is { type: DeviceType.CUDA })
        {
            torch.backends.cudnn.allow_tf32 = false; // cases are float32
        }

        using var files = new CaseFolder(folder, device ?? torch.CPU);
        var kind =
            Kinds.FirstOrDefault(k => k.Recognises(files))
            ?? throw new InvalidDataException(
                $"{folder} is no case of a known kind: {files.Describe()}. Known kinds: "
                    + $"{string.Join("; ", Kinds.Select(k => $"{k.Name} ({k.Form})"))}."
            );
        List<VerificationRow> rows = [];
        kind.Run(files, rows);
        return rows.Count > 0
            ? new(files.Name, kind.Name, rows)
            : throw new InvalidDataException($"{folder}: the case lists no outputs to compare.");
    }
}

/// <summary>One kind of reference case.</summary>
internal interface ICaseKind
{
    /// <summary>Name of the kind, as reports show it.</summary>
    string Name { get; }

    /// <summary>The files by which it is recognised, for messages.</summary>
    string Form { get; }

    /// <summary>Whether the folder holds a case of this kind, judged by its files.</summary>
    bool Recognises(CaseFolder folder);

    /// <summary>Runs the case and adds a row for every expected output.</summary>
    void Run(CaseFolder folder, List<VerificationRow> rows);
}
