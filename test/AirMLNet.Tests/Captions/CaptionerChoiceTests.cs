using AirMLNet.Captions;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Captions;

[TestClass]
public sealed class CaptionerChoiceTests
{
    [TestMethod]
    public void WhatDoesNotHoldTogether_IsNamed()
    {
        Fails(new(), "one of a server, a LLaVA's folder, attributes");
        Fails(new() { Attributes = true, Texts = "x" }, "one of a server, a LLaVA's folder, attributes");
        Fails(new() { Server = "localhost:8000", Model = "m" }, "expected 'attributes', the folder of a LLaVA, or a server's address");
        Fails(new() { Server = "http://localhost:8000/v1" }, "needs the name of its model");
        Fails(new() { Attributes = true, Model = "m" }, "are for a captioner that is a server");
        Fails(new() { Texts = "x", Vocabulary = "y" }, "A vocabulary is for attributes");
        var noKey = new CaptionerChoice
        {
            Server = "http://localhost:1/v1",
            Model = "m",
            ApiKeyEnv = "AIRML_NO_SUCH_VARIABLE",
        };
        Assert.Contains("AIRML_NO_SUCH_VARIABLE", Assert.ThrowsExactly<FormatException>(() => noKey.Open("-")).Message);

        static void Fails(CaptionerChoice choice, string expected) =>
            Assert.Contains(expected, Assert.ThrowsExactly<FormatException>(choice.Check).Message);
    }

    [TestMethod]
    public async Task EveryKindIsOpened()
    {
        using var root = new TemporaryFolder();
        Directory.CreateDirectory(root["texts", "images"]);
        Directory.CreateDirectory(root["texts", "groups"]);
        File.WriteAllText(root["texts", "images", "a.txt"], "an image");
        File.WriteAllText(root["texts", "groups", "a.txt"], "a group");
        File.WriteAllText(root["plain.jsonl"], "{\"image\":\"a.png\",\"text\":\"a line\"}\n");
        File.WriteAllText(root["words.txt"], "red\n\ngreen\nblue\n");

        Assert.AreEqual("an image", await Ask(root["texts"], CaptionKind.Image));
        Assert.AreEqual("a group", await Ask(root["texts"], CaptionKind.Group));
        Assert.AreEqual("an image", await Ask(root["texts", "images"], CaptionKind.Image));
        Assert.AreEqual("a line", await Ask(root["plain.jsonl"], CaptionKind.Image));
        var server = new CaptionerChoice { Server = "http://localhost:1/v1", Model = "llava" }.Open("-");
        Assert.StartsWith("llava;", server.Identity!);
        using var own = (AttributeCaptioner)new CaptionerChoice { Attributes = true, Vocabulary = root["words.txt"] }.Open(TinyModels.Clip);
        using var general = (AttributeCaptioner)new CaptionerChoice { Attributes = true }.Open(TinyModels.Clip);
        Assert.AreNotEqual(general.Identity, own.Identity);
        File.WriteAllLines(root["few.txt"], ["red", "blue"]);
        var few = new CaptionerChoice { Attributes = true, Vocabulary = root["few.txt"] };
        Assert.AreEqual(
            $"{root["few.txt"]}: 2 phrases; expected 3 or more, one a line.",
            Assert.ThrowsExactly<InvalidDataException>(() => few.Open(TinyModels.Clip)).Message
        );
        var missing = new CaptionerChoice { Attributes = true, Vocabulary = root["none.txt"] };
        Assert.ThrowsExactly<FileNotFoundException>(() => missing.Open(TinyModels.Clip));

        Task<string> Ask(string texts, CaptionKind kind) =>
            new CaptionerChoice { Texts = texts }
                .Open("-")
                .DescribeAsync(new CaptionRequest(root["a.png"], kind, "", () => throw new InvalidOperationException("not read")));
    }
}
