using System.CommandLine;
using AirMLNet.Caching;
using AirMLNet.Files;
using AirMLNet.Native;
using AirMLNet.Pipeline;
using AirMLNet.Tool.Output;
using TorchSharp;

namespace AirMLNet.Tool.Commands;

/// <summary>The options that say what is computed on; every command that computes has them.</summary>
/// <param name="threads">Whether the number of threads can be set.</param>
/// <param name="features">Whether features of images are kept from run to run.</param>
internal sealed class ComputeOptions(bool threads = true, bool features = false)
{
    private readonly Option<int?> _gpu = SharedOptions.Optional("--gpu", "Number of the GPU to compute on (default: the processor)", 0, 63);

    private readonly Option<bool> _fallback = new("--fallback-to-cpu")
    {
        Description = "Compute on the processor, with a warning, where the GPU of --gpu is not there",
    };

    private readonly Option<bool> _noCache = new("--no-cache")
    {
        Description = $"Encode every image anew; else its features are kept in {AirHome.Variable} and found again",
    };

    private readonly Option<int?> _threads = SharedOptions.Optional(
        "--threads",
        "Processor threads for tensor work (default: one per physical core)",
        1,
        1024
    );

    public void AddTo(Command command)
    {
        command.Options.Add(_gpu);
        command.Options.Add(_fallback);
        if (threads)
        {
            command.Options.Add(_threads);
        }
        if (features)
        {
            command.Options.Add(_noCache);
        }
    }

    /// <summary>Whether a number of threads was given.</summary>
    public bool HasThreads(ParseResult parsed) => threads && parsed.GetValue(_threads) is not null;

    /// <summary>Sets the number of threads, and finds the device before any work.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="tryOnly">Warns, instead of failing, where the GPU is not there: nothing will be computed.</param>
    /// <exception cref="DllNotFoundException">LibTorch cannot be loaded.</exception>
    /// <exception cref="InvalidOperationException">There is no such GPU, and <c>--fallback-to-cpu</c> was not given.</exception>
    public DeviceChoice Apply(ParseResult parsed, bool tryOnly = false)
    {
        if (parsed.GetValue(_gpu) is null)
        {
            SharedOptions.Refuse(parsed, [_fallback], "is for --gpu, which says what to compute on; without it the processor computes");
        }

        if (HasThreads(parsed))
        {
            LibTorch.Require();
            torch.set_num_threads(parsed.GetValue(_threads)!.Value);
        }

        FeatureCache.Standard =
            features && !parsed.GetValue(_noCache) ? new(Path.Combine(AirHome.Folder, "features"), FeatureCache.StandardMegabytes) : null;
        var choice = new DeviceChoice(parsed.GetValue(_gpu), parsed.GetValue(_fallback));
        if (choice.Gpu is null || choice.Missing() is not { } why)
        {
            return choice;
        }

        var missing = $"--gpu is {choice.Gpu}, but {why}";
        if (!choice.FallbackToCpu && !tryOnly)
        {
            throw new InvalidOperationException($"{missing}; --fallback-to-cpu computes on the processor then");
        }

        Terminal.Warn(choice.FallbackToCpu ? $"{missing}: computing on the processor" : $"{missing}: a run would stop here");
        return choice.FallbackToCpu ? new() : choice;
    }

    /// <summary>The same as a device of tensors.</summary>
    /// <inheritdoc cref="Apply" path="/exception"/>
    public torch.Device Device(ParseResult parsed) => Apply(parsed).Resolve(Terminal.Warn);
}
