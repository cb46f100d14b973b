using AirMLNet.Captions;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Captions;

/// <summary>Prompts, groups, and captioners that need no server.</summary>
[TestClass]
public sealed class CaptionSourceTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow("DTD", "Describe the texture in the photo concisely, less than 20 words.")]
    [DataRow("EuroSAT", "Describe the land use in the satellite image concisely, less than 20 words.")]
    [DataRow("ucf_101", "Describe the action of the person in the photo concisely, less than 20 words.")]
    [DataRow("Flowers102", "Describe the {} flower in the photo concisely, less than 20 words.")]
    [DataRow("food", "Describe the {} food in the photo concisely, less than 20 words.")]
    [DataRow("bridge", "Describe the bridge in the photo concisely, less than 20 words.")]
    public void ImagePromptsAreThoseOfTheCode(string domain, string expected) => Assert.AreEqual(expected, CaptionPrompts.Image(domain));

    [TestMethod]
    [DataRow("SUN397", "Describe the common visual attributes of the scenes in all the photos concisely, less than 20 words.")]
    [DataRow("FGVCAircraft", "Describe the common visual attributes of the aircrafts in all the photos concisely, less than 20 words.")]
    [DataRow("EuroSAT", "Describe the common visual attributes of the land use in all the satellite images concisely, less than 20 words.")]
    [DataRow("UCF101", "Describe the common visual attributes of the person's actions in all the photos concisely, less than 20 words.")]
    [DataRow("bridge", "Describe the common visual attributes of the bridges in all the photos concisely, less than 20 words.")]
    public void GroupPromptsAreThoseOfTheCode(string domain, string expected) => Assert.AreEqual(expected, CaptionPrompts.Group(domain));

    [TestMethod]
    public void ThePapersWordingIsAnOption_AndSoIsTheClass()
    {
        Assert.AreEqual(
            "Describe the pet in the photo concisely, using less than 20 words.",
            CaptionPrompts.Image("pet", CaptionWording.Paper)
        );
        Assert.AreEqual(
            "Describe the common visual attributes of the pets in all the photos concisely, in fewer than 20 words.",
            CaptionPrompts.Group("pet", CaptionWording.Paper)
        );
        Assert.AreEqual(
            "Describe the flower in the photo concisely, less than 20 words.",
            CaptionPrompts.Image("flower", nameClass: false)
        );
        Assert.AreEqual("land use", CaptionPrompts.DomainOf("EuroSAT"));
        Assert.AreEqual("object", CaptionPrompts.DomainOf("my photos"));
    }

    [TestMethod]
    public void GroupsAreOfTheSameClass_WithoutRepetitionWhereTheClassIsLargeEnough()
    {
        int[] classes = [.. Enumerable.Range(0, 40).Select(i => i % 4), 4, 4, -1];
        var groups = CaptionGroups.Draw(classes, 4, null, seed: 3);
        for (var i = 0; i < 42; i++)
        {
            Assert.HasCount(4, groups[i]!);
            Assert.IsTrue(groups[i]!.All(m => classes[m] == classes[i]));
            Assert.HasCount(i < 40 ? 4 : groups[i]!.Distinct().Count(), groups[i]!.Distinct().ToArray());
        }
        Assert.IsNull(groups[42]);
        Assert.IsGreaterThan(20, groups.Take(40).Select(g => string.Join(' ', g!.Order())).Distinct().Count());
        CollectionAssert.AreEqual(groups[7], CaptionGroups.Draw(classes, 4, null, seed: 3)[7]);
        Assert.IsTrue(Enumerable.Range(0, 40).Any(i => !groups[i]!.Contains(i))); // an image need not be in its own
    }

    [TestMethod]
    public void GroupsMayBeSharedByAClass()
    {
        int[] classes = [.. Enumerable.Range(0, 40).Select(i => i % 4)];
        var groups = CaptionGroups.Draw(classes, 4, perClass: 3, seed: 3);
        for (var c = 0; c < 4; c++)
        {
            var own = Enumerable.Range(0, 40).Where(i => classes[i] == c).Select(i => groups[i]!).ToArray();
            Assert.HasCount(3, own.Distinct().ToArray());
            Assert.AreSame(own[0], own[3]);
        }
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(2)]
    [DataRow(4)]
    public void ImagesThatAreOfTheClassByTheTruth_CanBeAskedFor(int correct)
    {
        // Zero-shot class 0 has rows 0..9, of which only 8 and 9 are of it; 20 and 21 are of it too, under another label.
        int[] classes = [.. Enumerable.Repeat(0, 10), .. Enumerable.Repeat(1, 20)];
        int[] truth = [.. Enumerable.Range(0, 30).Select(i => i is 8 or 9 or 20 or 21 ? 0 : 1)];
        var groups = CaptionGroups.Draw(classes, 4, null, 3, (truth, correct));
        for (var i = 0; i < 10; i++)
        {
            Assert.HasCount(4, groups[i]!);
            Assert.IsTrue(groups[i]!.Take(correct).All(m => truth[m] == 0));
            Assert.IsTrue(groups[i]!.Skip(correct).All(m => classes[m] == 0));
        }
        Assert.AreEqual(4, groups.Take(10).SelectMany(g => g!.Take(correct)).Distinct().Count() + (correct == 0 ? 4 : 0));
        if (correct == 0)
        {
            var plain = CaptionGroups.Draw(classes, 4, null, 3);
            Assert.IsTrue(groups.Zip(plain).All(p => p.First!.SequenceEqual(p.Second!)));
        }
    }

    [TestMethod]
    public async Task TextsComeFromAFilePerImage()
    {
        Directory.CreateDirectory(_folder["one"]);
        Directory.CreateDirectory(_folder["group"]);
        File.WriteAllText(_folder["one", "a.txt"], "a cat\nanother line");
        File.WriteAllText(_folder["group", "a.txt"], "cats");
        var captions = FileCaptions.FromFolder(_folder["one"], _folder["group"]);
        Assert.AreEqual("a cat", await Ask(captions, "photos/a.png"));
        Assert.AreEqual("cats", await Ask(captions, "photos/a.png", CaptionKind.Group));
        Assert.AreEqual("", await Ask(captions, "photos/b.png"));
        Assert.Contains(
            "no-such",
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => FileCaptions.FromFolder(_folder["no-such"])).Message
        );
    }

    [TestMethod]
    public async Task TextsComeFromJsonLines()
    {
        File.WriteAllText(
            _folder["texts.jsonl"],
            """
            {"image": "x/a.png", "text": "a cat", "group": "cats"}
            {"image": "y/a.png", "text": "a dog"}

            {"image": "b.png", "text": "a ship"}
            """
        );
        var captions = FileCaptions.FromJsonLines(_folder["texts.jsonl"]);
        Assert.AreEqual("a cat", await Ask(captions, _folder["x", "a.png"]));
        Assert.AreEqual("cats", await Ask(captions, _folder["x", "a.png"], CaptionKind.Group));
        Assert.AreEqual("a dog", await Ask(captions, _folder["y", "a.png"]));
        Assert.AreEqual("a ship", await Ask(captions, "/elsewhere/b.png"));
        Assert.AreEqual("", await Ask(captions, "/elsewhere/a.png")); // two lines have that name

        File.WriteAllText(_folder["bad.jsonl"], "{\"image\": \"a.png\"}\n{\"text\": \"whose?\"}\n");
        var e = Assert.ThrowsExactly<InvalidDataException>(() => FileCaptions.FromJsonLines(_folder["bad.jsonl"]));
        Assert.Contains("bad.jsonl, line 2", e.Message);
    }

    /// <summary>In words of .NET before.</summary>
    [TestMethod]
    [DataRow("{\"image\": \"a.png\", \"text\": 5}", "line 1: text is 5; expected a text.")]
    [DataRow("[1]", "line 1: the whole is [1]; expected an object.")]
    [DataRow("{\"image\":", "line 1 is not valid JSON")]
    public void ALineOfAnotherForm_IsSaidInWords(string line, string expected)
    {
        File.WriteAllText(_folder["bad.jsonl"], line);
        Assert.Contains(
            expected,
            Assert.ThrowsExactly<InvalidDataException>(() => FileCaptions.FromJsonLines(_folder["bad.jsonl"])).Message
        );
        File.WriteAllText(_folder["good.jsonl"], "{\"image\": \"a.png\", \"text\": null}");
        FileCaptions.FromJsonLines(_folder["good.jsonl"]);
    }

    [TestMethod]
    public async Task AttributesAreThePhrasesNearestToTheImage_AndSayThatTheyAreCircular()
    {
        using var one = new AttributeCaptioner(TinyModels.Clip, ["red", "green", "blue", "fur", "wood"], count: 2);
        var red = await Ask(one, "red", image: 0);
        Assert.AreEqual(red, await Ask(one, "red", image: 0));
        Assert.AreEqual(2, new[] { "red", "green", "blue", "fur", "wood" }.Count(p => red.Contains(p, StringComparison.Ordinal)));
        Assert.Contains("circular", one.Caveat);

        using var other = new AttributeCaptioner(TinyModels.Clip, ["red", "green", "blue", "fur", "stone"], count: 2);
        Assert.AreNotEqual(one.Identity, other.Identity);
        Assert.Contains(
            "expected 3",
            Assert.ThrowsExactly<ArgumentException>(() => new AttributeCaptioner(TinyModels.Clip, ["red"])).Message
        );
    }

    private static Task<string> Ask(ICaptioner captioner, string name, CaptionKind kind = CaptionKind.Image, int? image = null) =>
        captioner.DescribeAsync(
            new CaptionRequest(
                name,
                kind,
                "what?",
                () => TinyClip.Picture(image ?? throw new InvalidOperationException("the image is not needed"), new Random(1))
            )
        );
}
