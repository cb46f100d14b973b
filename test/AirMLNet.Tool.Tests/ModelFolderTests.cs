using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>Where the command looks for a model that is named.</summary>
[TestClass]
public sealed class ModelFolderTests
{
    [TestMethod]
    public void A_model_that_was_pulled_into_the_home_is_found_by_its_name()
    {
        using var folder = new TemporaryFolder();
        var images = TinyData.Images(folder["images"]);
        TinyModels.Copy(TinyModels.Clip, folder["home", "my-clip"]);
        ToolProcess Embed(string clip, string home) =>
            Airml.Run([("AIRMLNET_HOME", folder[home])], "embed", images, "--clip", clip, "-o", folder["features.safetensors"]);

        Embed("my-clip", "home").Succeeded();
        Assert.IsTrue(File.Exists(folder["features.safetensors"]));
        Embed("my-clip", "elsewhere").Failed(1, "There is no model folder", "'airml pull OWNER/NAME' downloads one");
        Embed(folder["home", "no-clip"], "home").Failed(1, "There is no model folder");
    }
}
