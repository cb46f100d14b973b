using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipEncoderTests
{
    private const long Width = 8;
    private const long Inner = 2048;
    private const long Tokens = 3;

    /// <summary>More sequences than fit into one slice of 32 MiB: 1,365 at these widths.</summary>
    private const long Batch = 3000;

    [TestMethod]
    public void ABatchInSlices_GivesWhatAWholeBatchGives()
    {
        using var scope = NewDisposeScope();
        using var encoder = Encoder();
        var x = randn([Batch, Tokens, Width], generator: new Generator(2));
        var positions = randint(0, Tokens, [Batch], ScalarType.Int64, generator: new Generator(3));

        var (whole, last, first) = Run(encoder, x, positions); // with gradients nothing is sliced
        using var off = no_grad();
        var (wholeSliced, lastSliced, firstSliced) = Run(encoder, x, positions);

        CollectionAssert.AreEqual(new[] { Batch, Tokens, Width }, wholeSliced.shape);
        AssertClose(whole, wholeSliced);
        AssertClose(last, lastSliced);
        AssertClose(first, firstSliced);
    }

    private static (Tensor Whole, Tensor AtPositions, Tensor First) Run(ClipEncoder encoder, Tensor x, Tensor positions) =>
        (encoder.Forward(x.clone(), causal: true), encoder.ForwardToken(x.clone(), positions), encoder.ForwardToken(x.clone()));

    private static ClipEncoder Encoder()
    {
        var encoder = new ClipEncoder(2, () => new ClipBlock(Width, Inner, 2, ClipActivation.QuickGelu, 1e-5));
        using var off = no_grad();
        using var generator = new Generator(1);
        foreach (var parameter in encoder.parameters())
        {
            parameter.normal_(0, 0.3, generator);
        }
        return encoder;
    }

    private static void AssertClose(Tensor expected, Tensor actual) =>
        Assert.AreEqual(0, expected.sub(actual).abs().max().item<float>(), 1e-4f);
}
