using System.Text.Json;

namespace AirMLNet.Tool.Output;

/// <summary>
/// Progress for other programs: a JSON object a line, at most one in two seconds and none in the first two, so that short work says
/// nothing.
/// </summary>
/// <param name="title">The work.</param>
/// <param name="output">Where the lines go.</param>
/// <param name="time">The clock.</param>
internal sealed class JsonStep(string title, TextWriter output, TimeProvider time) : IStep
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();
    private long _last = time.GetTimestamp();

    public void Report(double done, double total, string? activity = null)
    {
        lock (_gate)
        {
            if (time.GetElapsedTime(_last) < Least)
            {
                return;
            }

            _last = time.GetTimestamp();
            var seconds = time.GetElapsedTime(_start, _last).TotalSeconds;
            var rate = done / seconds;
            output.WriteLine(
                JsonSerializer.Serialize(
                    new
                    {
                        progress = title,
                        activity,
                        done,
                        total,
                        perSecond = Math.Round(rate, 3),
                        secondsLeft = rate > 0 ? Math.Round((total - done) / rate, 1) : (double?)null,
                    },
                    JsonSerializerOptions.Web
                )
            );
        }
    }
}
