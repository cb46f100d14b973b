using AirMLNet.Images;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace AirMLNet.Tests.Catalog;

/// <summary>Photos in memory in the place of paths.</summary>
[TestClass]
public sealed class MLImageExtensionsTests
{
    [TestMethod]
    public void APhotoInMemory_ScoresAsItsFile_InAModelFittedOnPaths()
    {
        using var f = new StageFixture(images: 12);
        using var model = f.Chain().Fit(f.Data);
        var shared = new PredictionEngineOptions { OwnsTransformer = false };
        using var ofPaths = f.Context.Model.CreatePredictionEngine<PictureRow, PictureScore>(model, shared);
        using var ofImages = f.Context.Model.CreatePredictionEngine<PhotoInMemory, PictureScore>(model, shared);
        foreach (var row in f.Rows)
        {
            using var image = ImageFile.Load(row.ImagePath).ToMLImage();
            CollectionAssert.AreEqual(ofPaths.Predict(row).Score, ofImages.Predict(new PhotoInMemory { Image = image }).Score);
        }
    }

    private sealed class PhotoInMemory
    {
        [ColumnName("ImagePath"), ImageType(1, 1)] // ML.NET refuses the attribute without a size, and takes images of any
        public MLImage? Image { get; set; }
    }
}
