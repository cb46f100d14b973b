using AirMLNet.Files;

namespace AirMLNet.Weights;

/// <summary>Weights as <c>torch.save</c> writes them, which are never read: unpickling runs what a file says.</summary>
internal static class Pickle
{
    /// <summary>Whether a file that begins so is one: an archive of PyTorch 1.6 and later, or a bare pickle of protocols 2 to 5.</summary>
    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes is [(byte)'P', (byte)'K', 3, 4, ..] or [0x80, >= 2 and <= 5, ..];

    /// <summary>Whether a file begins so; other programs name files of other kinds <c>.bin</c> too.</summary>
    public static bool Begins(string path)
    {
        Span<byte> start = stackalloc byte[4];
        using var stream = RealFile.Length(path) > 0 ? File.OpenRead(path) : Stream.Null;
        return Begins(start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)]);
    }

    /// <summary>What to do with such a file, in two sentences.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="converted">The name of what it becomes.</param>
    public static string Advice(string name, string converted) =>
        "Such files are Python pickles, which run code when read, and are refused. "
        + $"Convert them to {converted}, in Python: from safetensors.torch import save_file; "
        + $"save_file(torch.load(\"{name}\", weights_only=True), \"{converted}\").";
}
