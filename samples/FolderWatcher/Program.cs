// Names photos as they arrive in a folder, with a model that `airml adapt` wrote.
//   dotnet run --project samples/FolderWatcher -c Release -- MODEL.zip FOLDER [--json]
// A line for each new photo goes to standard output, as `airml predict` writes it: path and the three best classes with their
// scores, or JSON; everything else goes to standard error. Ctrl-C ends.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using AirMLNet.Images;
using FolderWatcher;
using Microsoft.ML;

const int Best = 3;
if (args is not [var file, var folder, .. var rest] || rest is not ([] or ["--json"]))
{
    Console.Error.WriteLine("usage: FolderWatcher MODEL.zip FOLDER [--json]");
    return 2;
}

using var end = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
var named = 0;
try
{
    var ml = new MLContext();
    using var engine = ml.Model.CreatePredictionEngine<Photo, Answer>(ml.Model.LoadAdapted(file, out _));
    using var arriving = new ArrivingPhotos(folder);
    Console.Error.WriteLine($"FolderWatcher: watching {folder}; Ctrl-C ends");
    await foreach (var (path, last) in arriving.ReadAll(end.Token))
    {
        try
        {
            var classes = engine.ClassScores(new Photo { ImagePath = path });
            arriving.Done(path);
            Write(path, [.. classes.Take(Best)]);
            named++;
        }
        // Part of a file is refused as a damaged one is: it is tried again until it has not grown for a while.
        catch (UnreadableImageException e)
        {
            if (last)
            {
                Console.Error.WriteLine($"FolderWatcher: {e.Message}");
            }
        }
    }
}
catch (OperationCanceledException) when (end.IsCancellationRequested)
{
    Console.Error.WriteLine($"FolderWatcher: {named} photos named");
    return 0;
}
catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException or FormatException)
{
    Console.Error.WriteLine($"FolderWatcher: {e.Message}");
}

return 1;

void End(PosixSignalContext signal)
{
    signal.Cancel = true; // the photo at hand is finished, and then this program ends by itself
    end.Cancel();
}

void Write(string path, (string Name, float Score)[] classes)
{
    var scores = classes.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Name}\t{c.Score:0.0000}"));
    var line =
        rest.Length == 0
            ? $"{path}\t{string.Join('\t', scores)}"
            : JsonSerializer.Serialize(
                new
                {
                    image = path,
                    label = classes[0].Name,
                    scores = classes.Select(c => new { label = c.Name, score = c.Score }),
                }
            );
    Console.Out.WriteLine(line);
}

internal sealed class Photo
{
    public string ImagePath { get; set; } = "";
}

internal sealed class Answer
{
    public float[] Score { get; set; } = [];
}
