using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AirMLNet.Tool.Output;

/// <summary>Units a second, beside a bar.</summary>
internal sealed class RateColumn : ProgressColumn
{
    public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
    {
        var rate = task.Speed ?? 0;
        var text = rate <= 0 ? "" : rate.ToString(rate >= 10 ? "0" : "0.0", CultureInfo.InvariantCulture) + "/s";
        return new Text(text.PadLeft(8));
    }
}
