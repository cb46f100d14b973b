#pragma warning disable MEAI001, AIRML003 // experimental
using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Synthesis;
using AirMLNet.Testing;
using Microsoft.Extensions.AI;

namespace AirMLNet.Tests.Synthesis;

/// <summary>The two ways between a local model and Microsoft.Extensions.AI.</summary>
[TestClass]
public sealed class HostedImageGeneratorTests
{
    private static StableDiffusionPipeline? _model;

    [ClassInitialize]
    public static void Load(TestContext _)
    {
        _model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
    }

    [ClassCleanup]
    public static void Delete()
    {
        _model?.Dispose();
    }

    [TestMethod]
    public void AHostedGeneratorTakesTheLocalModelsPlace()
    {
        var options = new StableDiffusionOptions { Steps = 2 };
        using var service = new StableDiffusionImageGenerator(_model!, options);
        TextToImageRequest[] requests = [new("a cat", 3), new("a dog", 4, "grass")];

        var local = ((ITextToImageGenerator)new StableDiffusionGenerator(_model!, options)).Generate(requests).ToList();
        var hosted = ((ITextToImageGenerator)new HostedImageGenerator(service)).Generate(requests).ToList();

        Assert.HasCount(2, hosted);
        for (var i = 0; i < 2; i++)
        {
            CollectionAssert.AreEqual(local[i].Pixels, hosted[i].Pixels);
        }
    }

    [TestMethod]
    public async Task TheLocalModelHeedsTheOptionsOfARequest()
    {
        using var service = new StableDiffusionImageGenerator(_model!, new() { Steps = 2 });
        var response = await service.GenerateAsync(
            new ImageGenerationRequest("a cat"),
            new ImageGenerationOptions
            {
                Count = 2,
                ImageSize = new System.Drawing.Size(24, 8),
                AdditionalProperties = new() { ["seed"] = 7L, ["negative_prompt"] = "dog" },
            }
        );
        Assert.HasCount(2, response.Contents);
        var data = (DataContent)response.Contents[1];
        var image = ImageFile.Decode(data.Data.Span, "answer");
        Assert.AreEqual(("image/png", 24, 8), (data.MediaType, image.Width, image.Height));
        var expected = _model!
            .Generate(
                [new("a cat", 8, "dog")],
                new()
                {
                    Steps = 2,
                    Width = 24,
                    Height = 8,
                }
            )
            .Single();
        Assert.IsTrue(expected.Pixels.Zip(image.Pixels).All(p => Math.Abs(p.First - p.Second) <= 1));
        Assert.AreSame(_model, service.GetService(typeof(StableDiffusionPipeline)));
        Assert.AreEqual("AirMLNet", ((ImageGeneratorMetadata)service.GetService(typeof(ImageGeneratorMetadata))!).ProviderName);
    }

    [TestMethod]
    public async Task WhatCannotBeDoneIsNamed()
    {
        using var service = new StableDiffusionImageGenerator(_model!, new() { Steps = 1 });
        var request = new ImageGenerationRequest("a cat");
        Assert.Contains(
            "OriginalImages",
            (
                await Assert.ThrowsExactlyAsync<NotSupportedException>(() =>
                    service.GenerateAsync(new ImageGenerationRequest("a", [new DataContent(new byte[] { 1 }, "image/png")]))
                )
            ).Message
        );
        Assert.Contains(
            "seed = 'x'",
            (
                await Assert.ThrowsExactlyAsync<ArgumentException>(() =>
                    service.GenerateAsync(request, new() { AdditionalProperties = new() { ["seed"] = "x" } })
                )
            ).Message
        );
        Assert.Contains(
            "Count = 0",
            (await Assert.ThrowsExactlyAsync<ArgumentException>(() => service.GenerateAsync(request, new() { Count = 0 }))).Message
        );
        foreach (
            var (content, part) in new (AIContent, string)[]
            {
                (new TextContent("no"), "gave no image"),
                (new UriContent("https://x.invalid/a.png", "image/png"), "but an address"),
                (new DataContent(new byte[] { 1, 2 }, "image/png"), "cannot be decoded"),
            }
        )
        {
            var broken = new HostedImageGenerator(new Answering(content));
            Assert.Contains(part, Assert.ThrowsExactly<InvalidDataException>(() => broken.Generate([new("a cat", 1)]).ToList()).Message);
        }
    }

    private sealed class Answering(AIContent content) : IImageGenerator
    {
        public Task<ImageGenerationResponse> GenerateAsync(
            ImageGenerationRequest request,
            ImageGenerationOptions? options = null,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(new ImageGenerationResponse([content]));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
