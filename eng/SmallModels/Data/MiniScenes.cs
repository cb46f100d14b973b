using System.Globalization;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace AirMLNet.SmallModels;

/// <summary>A class of <see cref="MiniScenes"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="File">The drawing in the packages.</param>
/// <param name="Words">What captions call it, the name first.</param>
internal sealed record SceneClass(string Name, string File, params string[] Words);

/// <summary>A scene that was drawn.</summary>
/// <param name="Image">The scene.</param>
/// <param name="Objects">Indices of the classes of its objects, the first drawn first.</param>
internal sealed record DrawnScene(RgbImage Image, int[] Objects);

/// <summary>How the objects of a scene are drawn.</summary>
internal enum SceneLayout
{
    /// <summary>As in the data set: anywhere, one over the other, of many sizes, angles and hues.</summary>
    Scattered,

    /// <summary>
    /// As a small model can learn to draw them: large and upright, in their own colours, each in a quarter of the scene of its own, in
    /// reading order, over a background without detail.
    /// </summary>
    Quarters,
}

/// <summary>
/// Scenes of one to four drawn objects over blurred photos, with captions and exact labels: what many labels per image can be tried on
/// without a download of a data set. Training scenes have Noto's drawings over training photos of CIFAR-10, test scenes Twemoji's over test
/// photos, so that neither is seen twice.
/// </summary>
/// <param name="photos">Backgrounds.</param>
/// <param name="trainDrawings">Folder of PNG files by code point.</param>
/// <param name="testDrawings">The same for test scenes.</param>
/// <param name="side">Height and width in pixels.</param>
internal sealed class MiniScenes(Cifar10 photos, string trainDrawings, string testDrawings, int side)
{
    private const int MostObjects = 4;

    // The share of the objects that captions leave out, where there are several.
    public const double LeftOut = 0.2;

    /// <summary>Added to the seed of scenes that models learn from, so that they are in no data set.</summary>
    public const int ModelSeed = 1_000_000;

    /// <summary>Height and width in pixels.</summary>
    public int Side => side;

    /// <summary>How objects are drawn.</summary>
    public SceneLayout Layout { get; init; }

    /// <summary>The same drawings and photos in another layout.</summary>
    public MiniScenes With(SceneLayout layout) => new(photos, trainDrawings, testDrawings, side) { Layout = layout };

    /// <summary>Twenty classes, "dog" and "hot dog" among them.</summary>
    public static readonly IReadOnlyList<SceneClass> Classes =
    [
        new("dog", "1f415", "dog", "puppy", "hound"),
        new("cat", "1f408", "cat", "kitten"),
        new("hot dog", "1f32d", "hot dog", "hotdog"),
        new("pizza", "1f355", "pizza", "slice of pizza"),
        new("banana", "1f34c", "banana"),
        new("apple", "1f34e", "apple"),
        new("cake", "1f382", "cake", "birthday cake"),
        new("car", "1f697", "car", "automobile"),
        new("bus", "1f68c", "bus", "coach"),
        new("bicycle", "1f6b2", "bicycle", "bike"),
        new("boat", "26f5", "boat", "sailboat"),
        new("airplane", "2708-fe0f", "airplane", "plane"),
        new("horse", "1f40e", "horse", "pony"),
        new("cow", "1f404", "cow"),
        new("sheep", "1f411", "sheep", "ewe"),
        new("elephant", "1f418", "elephant"),
        new("umbrella", "2614", "umbrella", "parasol"),
        new("book", "1f4d6", "book"),
        new("clock", "23f0", "clock", "alarm clock"),
        new("chair", "1fa91", "chair", "seat"),
    ];

    private static readonly string[] Templates =
    [
        "a photo of {}.",
        "a picture with {}.",
        "there is {} in the scene.",
        "{} can be seen here.",
        "a scene with {} in front of a blurred background.",
    ];

    private readonly Dictionary<string, Image<Rgba32>> _drawings = new(StringComparer.Ordinal);

    /// <summary>
    /// Writes <c>scenes.csv</c> (path, split, labels), <c>captions.csv</c> of the training scenes, <c>nouns.txt</c>, and the scenes; those
    /// that are
    /// there are left alone.
    /// </summary>
    /// <param name="folder">Where to.</param>
    /// <param name="train">Training scenes.</param>
    /// <param name="test">Test scenes.</param>
    /// <param name="seed">Of all that is drawn.</param>
    /// <param name="done">Told the number of scenes so far.</param>
    /// <param name="cancellation">Stops between two scenes.</param>
    public void Write(string folder, int train, int test, int seed, Action<int>? done = null, CancellationToken cancellation = default)
    {
        List<string> list = ["path,split,labels"],
            captions = ["image,caption"];
        var count = 0;
        foreach (var (split, number) in new[] { (Cifar10Split.Train, train), (Cifar10Split.Test, test) })
        {
            for (var i = 0; i < number; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                var random = SeededRandom.Create(seed, (int)split, i);
                var name = split.ToString().ToLowerInvariant();
                var path = string.Create(CultureInfo.InvariantCulture, $"{name}/{i:00000}.png");
                var objects = Objects(random);
                var caption = Caption(objects, random);
                if (!File.Exists(Path.Combine(folder, path)))
                {
                    ImageFile.SavePng(Path.Combine(folder, path), Scene(split, objects, random));
                }
                list.Add($"{path},{name},{string.Join(';', objects.Order().Select(c => Classes[c].Name))}");
                if (split == Cifar10Split.Train)
                {
                    captions.Add($"{path},{caption}");
                }
                done?.Invoke(++count);
            }
        }
        AtomicFile.WriteText(Path.Combine(folder, "scenes.csv"), string.Join('\n', list) + "\n");
        AtomicFile.WriteText(Path.Combine(folder, "captions.csv"), string.Join('\n', captions) + "\n");
        AtomicFile.WriteText(
            Path.Combine(folder, "nouns.txt"),
            string.Concat(Classes.Select(c => $"{c.Name}: {string.Join(", ", c.Words)}\n"))
        );
    }

    /// <summary>A scene that is kept in memory.</summary>
    /// <param name="split">Whose drawings and photos it is made of.</param>
    /// <param name="seed">Of all scenes.</param>
    /// <param name="number">Of the scene.</param>
    public DrawnScene Draw(Cifar10Split split, int seed, int number)
    {
        var random = SeededRandom.Create(seed, (int)split, number);
        var objects = Objects(random);
        return new(Scene(split, objects, random), objects);
    }

    /// <summary>A caption of some of the objects, at least one.</summary>
    /// <param name="objects">Indices of classes.</param>
    /// <param name="random">Of what is drawn.</param>
    /// <param name="leftOut">The share of the objects that it leaves out, where there are several.</param>
    /// <param name="word">What an object is called; null for one of its class's words.</param>
    internal static string Caption(int[] objects, Random random, double leftOut = LeftOut, Func<int, string>? word = null)
    {
        string[] named =
        [
            .. objects
                .Where((_, k) => k == 0 || random.NextDouble() >= leftOut * MostObjects / (MostObjects - 1.0))
                .Select(word ?? (c => Classes[c].Words[random.Next(Classes[c].Words.Length)]))
                .Select(word => ("aeiou".Contains(word[0], StringComparison.Ordinal) ? "an " : "a ") + word),
        ];
        return Templates[random.Next(Templates.Length)].Replace("{}", string.Join(" and ", named), StringComparison.Ordinal);
    }

    private static int[] Objects(Random random) =>
        [.. Enumerable.Range(0, Classes.Count).OrderBy(_ => random.Next()).Take(1 + random.Next(MostObjects))];

    private RgbImage Scene(Cifar10Split split, int[] objects, Random random)
    {
        var photo = photos.GetImage(split, random.Next(photos.Count(split)));
        using var scene = Image.LoadPixelData<Rgb24>(photo.Pixels, photo.Width, photo.Height);
        scene.Mutate(x => x.Resize(side, side).GaussianBlur(side / (Layout == SceneLayout.Scattered ? 32f : 8f)));
        var folder = split == Cifar10Split.Train ? trainDrawings : testDrawings;
        if (Layout == SceneLayout.Scattered)
        {
            Scatter(scene, objects, folder, random);
        }
        else
        {
            Quarter(scene, objects, folder, random);
        }
        var pixels = new byte[3 * side * side];
        scene.CopyPixelDataTo(pixels);
        return new RgbImage(side, side, pixels);
    }

    private void Scatter(Image<Rgb24> scene, int[] objects, string folder, Random random)
    {
        foreach (var c in objects)
        {
            var size = (int)(side * (0.28 + (0.2 * random.NextDouble())));
            using var drawing = Drawing(folder, Classes[c].File).Clone();
            var (angle, hue) = ((float)((random.NextDouble() - 0.5) * 40), (float)((random.NextDouble() - 0.5) * 30));
            drawing.Mutate(x => x.Resize(size, size).Rotate(angle).Hue(hue));
            var place = new Point(random.Next(Math.Max(1, side - drawing.Width)), random.Next(Math.Max(1, side - drawing.Height)));
            scene.Mutate(x => x.DrawImage(drawing, place, 1f));
        }
    }

    private void Quarter(Image<Rgb24> scene, int[] objects, string folder, Random random)
    {
        var half = side / 2;
        foreach (var (quarter, c) in objects.Index())
        {
            // Nine tenths of the quarter and more, so that it moves by some pixels.
            var size = (int)(half * (0.9 + (0.1 * random.NextDouble())));
            using var drawing = Drawing(folder, Classes[c].File).Clone(x => x.Resize(size, size));
            var place = new Point((quarter % 2 * half) + random.Next(half - size + 1), (quarter / 2 * half) + random.Next(half - size + 1));
            scene.Mutate(x => x.DrawImage(drawing, place, 1f));
        }
    }

    private Image<Rgba32> Drawing(string folder, string file)
    {
        var path = Path.Combine(folder, file + ".png");
        if (!_drawings.TryGetValue(path, out var drawing))
        {
            if (!File.Exists(path))
            {
                throw new FileNotFoundException(
                    $"{path}: the drawing is missing; './eng/setup.sh --scenes' fetches the npm packages.",
                    path
                );
            }
            _drawings.Add(path, drawing = Image.Load<Rgba32>(path));
        }
        return drawing;
    }
}
