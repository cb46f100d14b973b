using System.Diagnostics;
using AirMLNet.Clip;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Short captions per second through the tokenizer with the full CLIP vocabulary, on one core.
/// </summary>
internal static class TokenizerBenchmark
{
    private const int Count = 200_000;
    private const int Repeats = 5;
    private const double Wanted = 200_000;

    private static readonly string[] Subjects =
    [
        "cat",
        "dog",
        "red car",
        "woman",
        "man with a hat",
        "group of people",
        "bowl of soup",
        "teddy bear",
        "motorcycle",
        "giraffe",
    ];
    private static readonly string[] Places =
    [
        "on the grass",
        "in front of a house",
        "at the beach",
        "next to a window",
        "on a wooden table",
        "in the snow",
        "under a tree",
        "near the river",
    ];
    private static readonly string[] Openings =
    [
        "a photo of a",
        "There is a",
        "A close-up of one",
        "an old picture of a",
        "Two images of a",
    ];

    public static void Run()
    {
        var tokenizer = ClipTokenizer.Load(Path.Combine(BenchmarkData.Root, "test", "data", "golden", "tokenizer"));
        var random = new Random(1);
        var captions = Enumerable
            .Range(0, Count)
            .Select(_ =>
                $"{Openings[random.Next(Openings.Length)]} {Subjects[random.Next(Subjects.Length)]} {Places[random.Next(Places.Length)]}."
            )
            .ToArray();
        var ids = new long[tokenizer.ContextLength];
        var speeds = new List<double>();
        for (var repeat = -1; repeat < Repeats; repeat++)
        {
            var clock = Stopwatch.StartNew();
            foreach (var caption in captions)
            {
                tokenizer.Tokenize(caption, ids);
            }

            if (repeat >= 0)
            {
                speeds.Add(Count / clock.Elapsed.TotalSeconds);
            }
        }

        var speed = BenchmarkData.Median(speeds);
        Console.WriteLine(
            $"tokenizer, vocabulary of {tokenizer.VocabularySize}, one thread, {captions.Average(c => c.Length):0} characters a caption, "
                + $"median of {Repeats} runs"
        );
        Console.WriteLine($"  {speed, 10:0} captions per second ({(speed >= Wanted ? "ok" : "TOO SLOW")}: {Wanted:0} wanted)");
    }
}
