namespace TorchSharp.Tests.Sample;

/// <summary>Small pictures of four textures, made of tensors: stripes in two directions, a checkerboard, and a blob.</summary>
internal static class TextureData
{
    internal const int Classes = 4;
    internal const int Side = 12;

    internal static (Tensor images, Tensor labels) Make(int count, long seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var labels = randint(0, Classes, [count], generator: generator);
        var images = zeros(count, 1, Side, Side);
        var ramp = arange(Side, float32);
        var rows = ramp.unsqueeze(1).expand(Side, Side);
        var columns = ramp.unsqueeze(0).expand(Side, Side);
        for (var k = 0; k < count; k++)
        {
            var phase = rand(1, generator: generator) * 6.28;
            var picture = labels[k].item<long>() switch
            {
                0 => (rows * 1.6 + phase).sin(),
                1 => (columns * 1.6 + phase).sin(),
                2 => (rows * 1.6 + phase).sin() * (columns * 1.6).cos(),
                _ => (-((rows - 5.5).pow(2) + (columns - 5.5).pow(2)) / 8).exp() * 2 - 1,
            };
            images[k, 0] = picture;
        }
        images += randn(images.shape, generator: generator) * 0.3;
        images = (images - images.mean()) / images.std();
        return (images.MoveToOuterDisposeScope(), labels.MoveToOuterDisposeScope());
    }

    /// <summary>Shuffled batches; the last may be smaller.</summary>
    internal static IEnumerable<(Tensor x, Tensor y)> Batches(Tensor images, Tensor labels, int size, Generator generator)
    {
        using var order = randperm(images.shape[0], generator: generator);
        for (var start = 0L; start < order.shape[0]; start += size)
        {
            var stop = Math.Min(start + size, order.shape[0]);
            var picked = order[TensorIndex.Slice(start, stop)];
            yield return (images[picked], labels.index_select(0, picked));
        }
    }
}
