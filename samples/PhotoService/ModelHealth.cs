using AirMLNet.Images;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace PhotoService;

/// <summary>GET /health: classifies a grey photo, so that it says what a user would see: whether there is an answer in time.</summary>
internal sealed class ModelHealth(PhotoClassifier classifier) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            var classes = await classifier.ClassifyAsync(Grey, patience.Token);
            return HealthCheckResult.Healthy($"{classes.Count} classes");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Degraded($"busy: no photo got its turn within {Patience.TotalSeconds} seconds");
        }
    }

    private static RgbImage Grey()
    {
        var pixels = new byte[3 * 16 * 16];
        Array.Fill(pixels, (byte)128);
        return new RgbImage(16, 16, pixels);
    }
}
