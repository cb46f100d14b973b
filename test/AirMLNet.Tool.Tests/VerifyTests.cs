using System.Text.Json;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary><c>airml verify</c> on the reference cases that the tests carry.</summary>
[TestClass]
public sealed class VerifyTests
{
    [TestMethod]
    [DataRow("clip-vit-tiny")]
    [DataRow("openclip-vit-tiny")]
    [DataRow("tokenizer")]
    [DataRow("clip-rn-tiny")]
    [DataRow("preprocess")]
    [DataRow("text-encoder-sd-tiny")]
    [DataRow("vae-tiny")]
    [DataRow("unet-tiny")]
    [DataRow("schedulers")]
    [DataRow("sd-tiny")]
    public void ACaseThatHoldsPasses(string name)
    {
        var output = Airml.Run("verify", TestData.Path("golden/" + name)).Succeeded();
        Assert.EndsWith(": PASS", output.TrimEnd());
        Assert.DoesNotContain("FAIL", output);
    }

    [TestMethod]
    public void ACaseThatDoesNotHoldFails()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(TestData.Path("golden/clip-vit-tiny")))
        {
            File.Copy(file, folder[Path.GetFileName(file)]);
        }

        // Raises every expected value a little: one exponent bit near the end of the file.
        var bytes = File.ReadAllBytes(folder["io.safetensors"]);
        for (var i = bytes.Length - 1; i > bytes.Length - 4096; i -= 4)
        {
            bytes[i - 1] ^= 0x40;
        }

        File.WriteAllBytes(folder["io.safetensors"], bytes);
        var result = Airml.Run("verify", folder.Path, "--json");
        Assert.AreEqual(1, result.ExitCode, result.Error);
        using var json = JsonDocument.Parse(result.Output);
        Assert.IsFalse(json.RootElement.GetProperty("passed").GetBoolean());
        Assert.IsTrue(json.RootElement.GetProperty("outputs").EnumerateArray().Any(row => !row.GetProperty("pass").GetBoolean()));
    }

    [TestMethod]
    public void AFolderThatIsNoCaseIsAnError()
    {
        using var folder = new TemporaryFolder();
        Airml.Run("verify", folder.Path).Failed(1, folder.Path);
    }
}
