using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Samples.Tests;

/// <summary>A small adapted model in a zip, photos, and what the model says of them.</summary>
internal sealed class SampleModel : IDisposable
{
    private readonly StageFixture _fixture = new(images: 25);
    private readonly TemporaryFolder _folder = new();

    public SampleModel()
    {
        var model = _fixture.Chain().Fit(_fixture.Data);
        _fixture.Context.Model.Save(model, _fixture.Data.Schema, Zip);
        Photos = [.. _fixture.Rows.Select(row => row.ImagePath)];
        using var engine = _fixture.Context.Model.CreatePredictionEngine<PictureRow, PictureScore>(model);
        Classes = [.. Photos.Select(photo => engine.ClassScores(new PictureRow { ImagePath = photo }).ToArray())];
        Assert.IsGreaterThan(20, Classes.Select(c => c[0].Score).Distinct().Count(), "the answers tell the photos apart");
    }

    public string Zip => _folder["model.zip"];

    public string[] Photos { get; }

    /// <summary>The classes of each photo, best first.</summary>
    public (string Name, float Score)[][] Classes { get; }

    public void Dispose()
    {
        _folder.Dispose();
        _fixture.Dispose();
    }
}
