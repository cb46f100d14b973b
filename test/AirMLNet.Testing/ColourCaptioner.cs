using AirMLNet.Captions;

namespace AirMLNet.Testing;

/// <summary>Says which of three colours an image mostly has, and how light it is: texts that belong to their images.</summary>
public sealed class ColourCaptioner(string name = "eyes") : ICaptioner
{
    private static readonly string[] Colours = ["red", "green", "blue"];
    private int _asked;

    /// <summary>How often it was asked.</summary>
    public int Asked => _asked;

    /// <summary>Images about which it says nothing.</summary>
    public Func<CaptionRequest, bool> Silent { get; init; } = _ => false;

    public string Identity => name;

    public string? Caveat { get; init; }

    public Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        Interlocked.Increment(ref _asked);
        if (Silent(request))
        {
            return Task.FromResult("");
        }

        var sums = new long[3];
        for (var i = 0; i < request.Image.Pixels.Length; i++)
        {
            sums[i % 3] += request.Image.Pixels[i];
        }

        var strongest = Array.IndexOf(sums, sums.Max());
        return Task.FromResult($"{request.Kind}: {Colours[strongest]} {sums.Sum() / request.Image.Pixels.Length}. {request.Prompt}");
    }
}
