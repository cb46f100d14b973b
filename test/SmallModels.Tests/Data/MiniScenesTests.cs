using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.SmallModels.Tests.Data;

[TestClass]
public sealed class MiniScenesTests
{
    [TestMethod]
    public void ScenesHaveTheirObjects_AndCaptionsNameSomeOfThem()
    {
        using var folder = new TemporaryFolder();
        TinyCifar10.Create(folder["photos"]);
        foreach (var split in new[] { "train", "test" })
        {
            foreach (var scene in MiniScenes.Classes)
            {
                var pixels = new byte[3 * 8 * 8];
                Array.Fill(pixels, (byte)(split == "train" ? 255 : 1));
                ImageFile.SavePng(folder[$"{split}/{scene.File}.png"], new RgbImage(8, 8, pixels));
            }
        }
        using var photos = Cifar10.Open(folder["photos"]);
        var scenes = new MiniScenes(photos, folder["train"], folder["test"], side: 32);

        scenes.Write(folder["out"], 40, 5, seed: 1);

        var rows = File.ReadAllLines(folder["out/scenes.csv"]).Skip(1).Select(line => line.Split(',')).ToArray();
        Assert.HasCount(45, rows);
        var objects = rows.ToDictionary(r => r[0], r => r[2].Split(';'));
        Assert.IsTrue(objects.Values.All(o => o.Length is >= 1 and <= 4 && o.Distinct().Count() == o.Length));
        var captions = File.ReadAllLines(folder["out/captions.csv"]).Skip(1).Select(line => line.Split(',')).ToArray();
        Assert.HasCount(40, captions);
        var (named, there) = (0, 0);
        foreach (var caption in captions)
        {
            // Longer words first, as the noun filter does, so that "hot dog" is no dog.
            var text = caption[1];
            var found = new HashSet<string>();
            foreach (
                var (word, name) in MiniScenes.Classes.SelectMany(c => c.Words.Select(w => (w, c.Name))).OrderByDescending(p => p.w.Length)
            )
            {
                if (text.Contains(" " + word, StringComparison.Ordinal) && objects[caption[0]].Contains(name))
                {
                    found.Add(name);
                    text = text.Replace(" " + word, "", StringComparison.Ordinal);
                }
            }
            Assert.IsNotEmpty(found, caption[1]);
            (named, there) = (named + found.Count, there + objects[caption[0]].Length);
        }
        Assert.IsLessThan(there, named); // some are left out
        // White drawings in training scenes, black ones in test scenes.
        Assert.Contains((byte)255, ImageFile.Load(folder["out/train/00000.png"]).Pixels);
        Assert.DoesNotContain((byte)255, ImageFile.Load(folder["out/test/00000.png"]).Pixels);

        // The same seed gives the same scenes.
        var first = File.ReadAllBytes(folder["out/train/00003.png"]);
        File.Delete(folder["out/train/00003.png"]);
        scenes.Write(folder["out"], 40, 5, seed: 1);
        CollectionAssert.AreEqual(first, File.ReadAllBytes(folder["out/train/00003.png"]));
    }
}
