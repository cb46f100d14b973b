using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// Initial weights of a CLIP model that is trained from nothing: normal, scaled by width and depth
/// (Radford et al. 2021, and its published code); norms one and zero; biases zero.
/// </summary>
internal static class ClipInitializer
{
    public static void Initialise(ClipModel model, Generator generator)
    {
        using var off = no_grad();
        var config = model.Config;
        if (model.ResNet is { } net)
        {
            ResNet(net, generator);
        }
        else
        {
            VisionTransformer(model, generator);
        }

        Text(model.Text, config.Text, generator);
        Normal(model.TextProjection.weight, Math.Pow(config.Text.HiddenSize, -0.5), generator);
        model.logit_scale.fill_(config.LogitScaleInit);
    }

    public static void Initialise(ClipTextModel model, Generator generator)
    {
        using var off = no_grad();
        Text(model.Tower, model.Config, generator);
        if (model.Projection is { } projection)
        {
            Normal(projection.weight, Math.Pow(model.Config.HiddenSize, -0.5), generator);
        }
    }

    private static void Text(ClipTextTower text, ClipTextConfig config, Generator generator)
    {
        Normal(text.Embeddings.token_embedding.weight, 0.02, generator);
        Normal(text.Embeddings.position_embedding.weight, 0.01, generator);
        Blocks(text.Encoder, config.HiddenSize, config.Layers, generator);
        Norm(text.FinalNorm);
    }

    private static void VisionTransformer(ClipModel model, Generator generator)
    {
        var config = model.Config;
        var vision = model.Vision;
        var visionScale = Math.Pow(config.Vision.HiddenSize, -0.5);
        Normal(vision.Embeddings.class_embedding, visionScale, generator);
        Normal(vision.Embeddings.patch_embedding.weight, 0.02, generator);
        Normal(vision.Embeddings.position_embedding.weight, visionScale, generator);
        Norm(vision.PreNorm);
        Blocks(vision.Encoder, config.Vision.HiddenSize, config.Vision.Layers, generator);
        Norm(vision.PostNorm);
        Normal(model.VisualProjection.weight, visionScale, generator);
    }

    // Convolutions as He et al. (2015); the last normalisation of a block starts at zero, so that the block does nothing at first.
    private static void ResNet(ClipConvolutionTower net, Generator generator)
    {
        foreach (var (name, module) in net.named_modules())
        {
            switch (module)
            {
                case ConvLayer conv:
                    Normal(conv.weight, Math.Sqrt(2.0 / (conv.weight.size(1) * conv.weight.size(2) * conv.weight.size(3))), generator);
                    break;
                case ClipBatchNorm norm:
                    norm.weight.fill_(
                        name.StartsWith("layer", StringComparison.Ordinal) && name.EndsWith(".bn3", StringComparison.Ordinal) ? 0 : 1
                    );
                    norm.bias.zero_();
                    break;
            }
        }

        if (net is ClipTimmTower timm)
        {
            Normal(timm.Projection.weight, Math.Pow(timm.Projection.weight.size(1), -0.5), generator);
            return;
        }

        var pool = ((ClipResNetTower)net).AttentionPool;
        var scale = Math.Pow(pool.positional_embedding.size(1), -0.5);
        Normal(pool.positional_embedding, scale, generator);
        foreach (var linear in pool.Projections)
        {
            Linear(linear, scale, generator);
        }
    }

    private static void Blocks(ClipEncoder encoder, int width, int layers, Generator generator)
    {
        var into = Math.Pow(width, -0.5);
        var outOf = into * Math.Pow(2 * layers, -0.5); // keeps the residual sum's variance independent of depth
        foreach (var block in encoder.Blocks)
        {
            Norm(block.Norm1);
            Norm(block.Norm2);
            foreach (var linear in block.Attention.Inputs)
            {
                Linear(linear, into, generator);
            }
            Linear(block.Attention.Output, outOf, generator);
            Linear(block.Mlp.Inner, Math.Pow(2 * width, -0.5), generator);
            Linear(block.Mlp.Outer, outOf, generator);
        }
    }

    private static void Linear(LinearLayer linear, double deviation, Generator generator)
    {
        Normal(linear.weight, deviation, generator);
        linear.bias!.zero_();
    }

    private static void Norm(NormLayer norm)
    {
        norm.weight.fill_(1);
        norm.bias.zero_();
    }

    private static void Normal(Tensor tensor, double deviation, Generator generator) => tensor.normal_(0, deviation, generator);
}
