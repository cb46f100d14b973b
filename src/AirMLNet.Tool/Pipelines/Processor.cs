using TorchSharp;

namespace AirMLNet.Tool.Pipelines;

/// <summary>The one process-wide setting of the tensor engine that the tool changes.</summary>
internal static class Processor
{
    public static void Use(int? threads)
    {
        if (threads is { } number)
        {
            torch.set_num_threads(number);
        }
    }
}
