using AirMLNet.Clip;

namespace AirMLNet.Data;

/// <summary>
/// CoOp's layout (<c>docs/methods.md</c> §9): <c>split_zhou_NAME.json</c> with lists "train", "val" and "test" of [relative path, label,
/// class name]; FGVCAircraft has <c>variants.txt</c> and <c>images_variant_PART.txt</c> with lines "image-id class name".
/// </summary>
internal static class CoOpLayout
{
    private const int MostClasses = 1_000_000;

    public static bool IsAt(KnownDataSet known, string folder) =>
        File.Exists(Path.Combine(folder, known.CoOpSplit.Length > 0 ? known.CoOpSplit : "images_variant_train.txt"));

    public static ImageDataSet Read(KnownDataSet known, string folder, DataSetOptions options) =>
        known.CoOpSplit.Length > 0 ? Split(known, folder, options) : Variants(known, folder, options);

    private static ImageDataSet Split(KnownDataSet known, string folder, DataSetOptions options)
    {
        var file = Path.Combine(folder, known.CoOpSplit);
        var names = new SortedDictionary<int, string>();
        var parts = ListFiles.Json(file, root => new[] { "train", "val", "test" }.ToDictionary(p => p, p => Part(root[p])));
        int[] gaps = [.. Enumerable.Range(0, names.Count).Where(c => !names.ContainsKey(c))];
        if (gaps.Length > 0)
        {
            throw new InvalidDataException($"{file}: no image has label {gaps[0]}, though labels go up to {names.Keys.Max()}.");
        }

        return new(known.Name, file, [.. names.Values], ListFiles.Pool(parts["train"], parts["val"], options), parts["test"]);

        List<LabelledImage> Part(JsonPlace list)
        {
            var images = new List<LabelledImage>();
            foreach (var entry in list.Items)
            {
                (var path, var label, var name) = (
                    Path.Combine(folder, known.CoOpImages, entry[0].Text.TrimStart('/')),
                    entry[1].Whole is >= 0 and < MostClasses and var number ? (int)number : throw entry[1].Bad("a label of 0 or more"),
                    ClassPrompt.Spoken(entry[2].Text)
                );
                if (names.TryGetValue(label, out var before) && before != name)
                {
                    throw new InvalidDataException($"{file}: {entry.Path} calls label {label} '{name}'; it was '{before}' before.");
                }

                names[label] = name;
                if (!File.Exists(path))
                {
                    throw new InvalidDataException($"{file}: {entry.Path} names {path}, which does not exist.");
                }

                images.Add(new(path, label));
            }
            return images;
        }
    }

    private static ImageDataSet Variants(KnownDataSet known, string folder, DataSetOptions options)
    {
        var file = Path.Combine(folder, "variants.txt");
        string[] names = [.. ListFiles.Lines(file).Select(l => l.Text)];
        return new(
            known.Name,
            file,
            [.. names.Select(ClassPrompt.Spoken)],
            ListFiles.Pool(Part("train"), Part("val"), options),
            Part("test")
        );

        List<LabelledImage> Part(string part)
        {
            var list = Path.Combine(folder, $"images_variant_{part}.txt");
            var images = new List<LabelledImage>();
            foreach ((var number, var text) in ListFiles.Lines(list))
            {
                var space = text.IndexOf(' '); // names have spaces of their own
                if (space < 0)
                {
                    throw new InvalidDataException($"{list}: line {number}: '{text}'; expected an image's number, a space and a variant.");
                }

                var label = Array.IndexOf(names, text[(space + 1)..].Trim());
                if (label < 0)
                {
                    throw new InvalidDataException($"{list}: line {number}: '{text[(space + 1)..].Trim()}' is not in {file}.");
                }

                var path = Path.Combine(folder, known.CoOpImages, text[..space] + ".jpg");
                if (!File.Exists(path))
                {
                    throw new InvalidDataException($"{list}: line {number} names {path}, which does not exist.");
                }

                images.Add(new(path, label));
            }
            return images;
        }
    }
}
