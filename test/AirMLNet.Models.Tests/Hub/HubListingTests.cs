using System.Security.Cryptography;
using System.Text;
using AirMLNet.Hub;

namespace AirMLNet.Tests.Hub;

[TestClass]
public sealed class HubListingTests
{
    [TestMethod]
    [DataRow("a\u0000b.json", "control character")]
    [DataRow("a\u001b[2Jb.json", "control character")]
    [DataRow("a\nb.json", "control character")]
    [DataRow("NUL.json", "no name of a file on Windows")]
    [DataRow("com1.tar.txt", "no name of a file on Windows")]
    [DataRow("sub./x.json", "no name of a file on Windows")]
    [DataRow("sub /x.json", "no name of a file on Windows")]
    [DataRow("config.json", "twice")]
    [DataRow("Config.JSON/../x.json", "outside the folder")]
    [DataRow("CONFIG.json", "differs in upper and lower case alone")]
    [DataRow("config.json/x.json", "'config.json' is the name of a file")]
    [DataRow("config.json.part/x.json", "'config.json.part' is the name of a file")]
    public void Names_that_are_not_one_file_everywhere_are_refused(string name, string expected)
    {
        var message = Refused(Siblings("config.json", "model.safetensors", name));
        Assert.Contains("owner/model: the server lists a file '", message);
        Assert.Contains(expected, message);
        Assert.IsFalse(message.Any(char.IsControl), message);
    }

    [TestMethod]
    public void A_name_too_long_for_a_file_is_refused_shortly()
    {
        var message = Refused(Siblings("model.safetensors", new string('ä', 150) + ".json"));
        Assert.Contains("too long", message);
        Assert.IsLessThan(400, message.Length);
    }

    [TestMethod]
    public void Names_of_files_that_are_not_taken_may_be_odd() =>
        CollectionAssert.AreEqual(
            new[] { "model.safetensors", "computer.json", "com.json", "é %20#.txt" },
            Parse(Siblings("model.safetensors", "a:b.bin", "computer.json", "com.json", "é %20#.txt")).Files.Select(f => f.Path).ToArray()
        );

    [TestMethod]
    [DataRow("""{ "error": "Repository not found\u001b[31m" }""", "http://hub.invalid/ answers: Repository not found")]
    [DataRow("""{ "siblings": [ { "rfilename": "a.safetensors", "size": -5 } ] }""", "'a.safetensors' has a size of -5")]
    [DataRow("""{ "siblings": [ { "rfilename": "a.safetensors", "lfs": { "sha256": "12" } } ] }""", "SHA-256 that is none")]
    public void What_is_wrong_with_a_list_is_said(string json, string expected)
    {
        var message = Refused(json);
        Assert.Contains(expected, message);
        Assert.IsFalse(message.Any(char.IsControl), message);
    }

    [TestMethod]
    public void A_byte_order_mark_and_the_name_of_a_hash_are_no_faults()
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData("x"u8));
        var list = Parse(
            "\ufeff" + $$"""{ "siblings": [ { "rfilename": "a.safetensors", "lfs": { "oid": "sha256:{{hash}}", "size": 1 } } ] }"""
        );
        Assert.AreEqual(hash, list.Files.Single().Sha256);
    }

    /// <summary>A commit is part of an address.</summary>
    [TestMethod]
    [DataRow("\"..\"")]
    [DataRow("\"../../x\"")]
    [DataRow("5")]
    [DataRow("null")]
    public void A_commit_that_is_none_is_not_used(string sha) =>
        Assert.AreEqual("main", Parse($$"""{ "sha": {{sha}}, "siblings": [ { "rfilename": "a.safetensors" } ] }""").Commit);

    private static HubListing Parse(string json) =>
        HubListing.Parse(Encoding.UTF8.GetBytes(json), "owner/model", new HubOptions { Endpoint = new Uri("http://hub.invalid") });

    private static string Refused(string json) => Assert.ThrowsExactly<HubException>(() => Parse(json)).Message;

    private static string Siblings(params string[] names) =>
        $$"""{ "siblings": [ {{string.Join(", ", names.Select(n => $$"""{ "rfilename": {{System.Text.Json.JsonSerializer.Serialize(n)}} }"""))}} ] }""";
}
