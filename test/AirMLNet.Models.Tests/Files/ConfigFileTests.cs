using AirMLNet.Files;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Files;

[TestClass]
public sealed class ConfigFileTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void Python_s_infinities_are_read_and_the_same_words_in_texts_stay()
    {
        const string Text = "stars, Infinity, \"NaN, sky";
        var file = Open("""{ "name": "stars, Infinity, \"NaN, sky", "share": -Infinity, "list": [NaN, 1] }""");
        Assert.AreEqual(Text, file.Get<string>("name"));
        Assert.AreEqual(double.NegativeInfinity, file.Get<double>("share"));
        Assert.Contains(
            "list is [\"NaN\",1]",
            Assert.ThrowsExactly<InvalidDataException>(() => file.Get<IReadOnlyList<int>>("list")).Message
        );
    }

    [TestMethod]
    public void Null_is_a_missing_key_and_others_are_ignored()
    {
        var read = Open("""{ "name": "n", "share": null, "tower": { "layers": null, "more": 1 }, "unknown": [1] } // a comment""")
            .To<Sample>();
        Assert.AreEqual(new Sample { Name = "n" }, read);
    }

    [TestMethod]
    [DataRow("""{ }""", "name is missing")]
    [DataRow("""{ "name": null }""", "name is missing")]
    [DataRow("""{ "name": 5 }""", "name is 5, which has the wrong type; it must be a text")]
    [DataRow("""{ "name": "n", "share": "much" }""", "share is \"much\", which has the wrong type; it must be a number")]
    [DataRow("""{ "name": "n", "tower": 5 }""", "tower is 5, which has the wrong type; it must be an object")]
    [DataRow("""{ "name": "n", "tower": { "layers": 2.5 } }""", "tower.layers is 2.5, which has the wrong type; it must be a whole number")]
    [DataRow("""{ "name": "n", "tower": { "side": [2, 3] } }""", "tower.side is [2,3], which has the wrong type; it must be the side of a")]
    [DataRow("""{ "name": "n", "tower": { "side": { "height": 2, "width": 3 } } }""", "it must be the side of a square")]
    [DataRow("""{ "name": "n", "tower": { "layers": 0 } }""", "tower.layers is 0; it must be at least 1")]
    [DataRow("""{ "name": "n", "tower": { "offset": -1 } }""", "tower.offset is -1; it must be at least 0")]
    [DataRow("""{ "name": "n", "name": "m" }""", "is not valid JSON")]
    [DataRow("""[]""", "a JSON object was expected")]
    public void What_is_wrong_is_named_with_what_would_be_right(string json, string expected)
    {
        var message = Assert
            .ThrowsExactly<InvalidDataException>(() => ConfigFile.CheckWholeNumbers(_folder["c.json"], Open(json).To<Sample>()))
            .Message;
        Assert.StartsWith(_folder["c.json"], message);
        Assert.Contains(expected, message);
    }

    [TestMethod]
    [DataRow("7")]
    [DataRow("7.0")]
    [DataRow("[7, 7]")]
    [DataRow("{ \"shortest_edge\": 7 }")]
    [DataRow("{ \"height\": 7, \"width\": 7 }")]
    public void Squares_are_written_in_many_forms(string json) =>
        Assert.AreEqual(7, Open($"{{ \"side\": {json} }}").Get<SquareSide>("side").Pixels);

    [TestMethod]
    public void The_first_file_that_says_something_has_the_word()
    {
        File.WriteAllText(_folder["a.json"], """{ "size": null, "model": { "size": 3 } }""");
        File.WriteAllText(_folder["b.json"], """{ "size": 4 }""");
        int[] Said(params (string, string)[] keys) => [.. ConfigFile.Said<int>([_folder["none"], _folder], keys)];
        CollectionAssert.AreEqual(
            new[] { 4, 3 },
            Said(("none.json", "size"), ("a.json", "size"), ("b.json", "size"), ("b.json", "model.size"), ("a.json", "model.size"))
        );
    }

    private ConfigFile Open(string json)
    {
        File.WriteAllText(_folder["c.json"], json);
        return ConfigFile.Open(_folder["c.json"]);
    }

    private sealed record Sample
    {
        public required string Name { get; init; }
        public double Share { get; init; } = 0.5;
        public SampleTower Tower { get; init; } = new();
    }

    private sealed record SampleTower
    {
        public int Layers { get; init; } = 2;

        [AtLeast(0)]
        public int Offset { get; init; }
        public SquareSide? Side { get; init; }
    }
}
