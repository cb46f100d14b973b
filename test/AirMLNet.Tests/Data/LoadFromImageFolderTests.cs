using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Data;

[TestClass]
public sealed class LoadFromImageFolderTests
{
    [TestMethod]
    public void A_labelled_folder_becomes_rows_with_keys()
    {
        using var root = new TemporaryFolder();
        foreach (var file in new[] { "dog/1.png", "cat/2.png", "cat/1.png" })
        {
            Directory.CreateDirectory(Path.Combine(root, Path.GetDirectoryName(file)!));
            File.WriteAllBytes(Path.Combine(root, file), []);
        }

        var ml = new MLContext();
        var rows = ml.Data.LoadFromImageFolder(root, labelsFromSubfolders: true);
        CollectionAssert.AreEqual(
            new[] { "cat/1.png", "cat/2.png", "dog/1.png" },
            rows.GetColumn<string>("ImagePath").Select(p => Path.GetRelativePath(root, p)).ToArray()
        );
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        CollectionAssert.AreEqual(new uint[] { 1, 1, 2 }, keyed.GetColumn<uint>("Label").ToArray());

        var bare = ml.Data.LoadFromImageFolder(root);
        CollectionAssert.AreEqual(new[] { "", "", "" }, bare.GetColumn<string>("Label").ToArray());
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => ml.Data.LoadFromImageFolder(Path.Combine(root, "missing")));
    }
}
