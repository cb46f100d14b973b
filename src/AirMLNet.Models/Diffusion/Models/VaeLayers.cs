using AirMLNet.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Diffusion;

// Field names are diffusers' parameter names.

/// <summary>Images to the moments of their latents.</summary>
internal sealed class VaeEncoder : nn.Module
{
    private readonly ConvLayer conv_in;
    private readonly ModuleList<VaeDownBlock> down_blocks;
    private readonly VaeMidBlock mid_block;
    private readonly GroupNormLayer conv_norm_out;
    private readonly ConvLayer conv_out;

    public VaeEncoder(AutoencoderKLConfig config)
        : base(nameof(VaeEncoder))
    {
        var channels = config.BlockOutChannels;
        conv_in = new ConvLayer(config.InChannels, channels[0], 3);
        down_blocks = new ModuleList<VaeDownBlock>([
            .. channels.Select((c, i) => new VaeDownBlock(config, channels[Math.Max(i - 1, 0)], c, i == channels.Count - 1)),
        ]);
        mid_block = new VaeMidBlock(config);
        conv_norm_out = new GroupNormLayer(config.NormNumGroups, channels[^1], VaeMidBlock.Eps);
        conv_out = new ConvLayer(channels[^1], 2 * config.LatentChannels, 3);
        RegisterComponents();
    }

    /// <param name="x">[B, in, H, W].</param>
    /// <returns>[B, 2·latent, h, w].</returns>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var h = conv_in.Forward(x); // [B, C₀, H, W]
        foreach (var block in down_blocks)
        {
            h = block.Forward(h);
            scope.DisposeEverythingBut(h);
        }
        h = mid_block.Forward(h); // [B, C, h, w]
        return conv_out.Forward(conv_norm_out.Forward(h).silu()).MoveToOuterDisposeScope();
    }
}

/// <summary>Latents to images.</summary>
internal sealed class VaeDecoder : nn.Module
{
    private readonly ConvLayer conv_in;
    private readonly VaeMidBlock mid_block;
    private readonly ModuleList<VaeUpBlock> up_blocks;
    private readonly GroupNormLayer conv_norm_out;
    private readonly ConvLayer conv_out;

    public VaeDecoder(AutoencoderKLConfig config)
        : base(nameof(VaeDecoder))
    {
        int[] channels = [.. config.BlockOutChannels.Reverse()];
        conv_in = new ConvLayer(config.LatentChannels, channels[0], 3);
        mid_block = new VaeMidBlock(config);
        up_blocks = new ModuleList<VaeUpBlock>([
            .. channels.Select((c, i) => new VaeUpBlock(config, channels[Math.Max(i - 1, 0)], c, i == channels.Length - 1)),
        ]);
        conv_norm_out = new GroupNormLayer(config.NormNumGroups, channels[^1], VaeMidBlock.Eps);
        conv_out = new ConvLayer(channels[^1], config.OutChannels, 3);
        RegisterComponents();
    }

    /// <param name="z">[B, latent, h, w].</param>
    /// <returns>[B, out, H, W].</returns>
    public Tensor Forward(Tensor z)
    {
        using var scope = NewDisposeScope();
        var h = mid_block.Forward(conv_in.Forward(z)); // [B, C, h, w]
        foreach (var block in up_blocks)
        {
            h = block.Forward(h);
            scope.DisposeEverythingBut(h);
        }
        return conv_out.Forward(conv_norm_out.Forward(h).silu()).MoveToOuterDisposeScope();
    }
}

/// <summary>Resnets of one resolution, then halving except at the last.</summary>
internal sealed class VaeDownBlock : nn.Module
{
    private readonly ModuleList<ResnetBlock2D> resnets;
    private readonly ModuleList<Downsample2D>? downsamplers;

    public VaeDownBlock(AutoencoderKLConfig config, int inputs, int outputs, bool last)
        : base("DownEncoderBlock2D")
    {
        resnets = new ModuleList<ResnetBlock2D>([
            .. Enumerable
                .Range(0, config.LayersPerBlock)
                .Select(i => new ResnetBlock2D(i == 0 ? inputs : outputs, outputs, null, config.NormNumGroups, VaeMidBlock.Eps)),
        ]);
        downsamplers = last ? null : new ModuleList<Downsample2D>(new Downsample2D(outputs, asymmetric: true));
        RegisterComponents();
    }

    /// <param name="x">[B, C, H, W].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        foreach (var resnet in resnets)
        {
            x = resnet.Forward(x);
            scope.DisposeEverythingBut(x);
        }
        return (downsamplers is null ? x : downsamplers[0].Forward(x)).MoveToOuterDisposeScope();
    }
}

/// <summary>A resnet, attention with one head and a resnet.</summary>
internal sealed class VaeMidBlock : nn.Module
{
    /// <summary>The epsilon of every normalisation of a VAE.</summary>
    public const double Eps = 1e-6;

    private readonly ModuleList<ResnetBlock2D> resnets;
    private readonly ModuleList<VaeAttention> attentions;

    public VaeMidBlock(AutoencoderKLConfig config)
        : base("UNetMidBlock2D")
    {
        var channels = config.BlockOutChannels[^1];
        resnets = new ModuleList<ResnetBlock2D>([
            .. Enumerable.Range(0, 2).Select(_ => new ResnetBlock2D(channels, channels, null, config.NormNumGroups, Eps)),
        ]);
        attentions = new ModuleList<VaeAttention>(new VaeAttention(channels, config.NormNumGroups));
        RegisterComponents();
    }

    /// <param name="x">[B, C, h, w].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return resnets[1].Forward(attentions[0].Forward(resnets[0].Forward(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention of the places to themselves, one head, added to the input.</summary>
internal sealed class VaeAttention : nn.Module
{
    private readonly GroupNormLayer group_norm;
    private readonly LinearLayer to_q;
    private readonly LinearLayer to_k;
    private readonly LinearLayer to_v;
    private readonly ModuleList<LinearLayer> to_out;

    public VaeAttention(int channels, int groups)
        : base(nameof(VaeAttention))
    {
        group_norm = new GroupNormLayer(groups, channels, VaeMidBlock.Eps);
        to_q = new LinearLayer(channels, channels);
        to_k = new LinearLayer(channels, channels);
        to_v = new LinearLayer(channels, channels);
        to_out = new ModuleList<LinearLayer>(new LinearLayer(channels, channels));
        RegisterComponents();
    }

    /// <param name="x">[B, C, h, w].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var places = group_norm.Forward(x).flatten(2).transpose(1, 2).contiguous(); // [B, N, C]
        var (q, k, v) = (One(to_q), One(to_k), One(to_v)); // [B, 1, N, C]
        var mixed = F.scaled_dot_product_attention(q, k, v).squeeze(1); // [B, N, C]
        return x.add(to_out[0].Forward(mixed).transpose(1, 2).view_as(x)).MoveToOuterDisposeScope();

        Tensor One(LinearLayer projection) => projection.Forward(places).unsqueeze(1); // one head
    }
}

/// <summary>Resnets of one resolution, then doubling except at the last.</summary>
internal sealed class VaeUpBlock : nn.Module
{
    private readonly ModuleList<ResnetBlock2D> resnets;
    private readonly ModuleList<Upsample2D>? upsamplers;

    public VaeUpBlock(AutoencoderKLConfig config, int inputs, int outputs, bool last)
        : base("UpDecoderBlock2D")
    {
        resnets = new ModuleList<ResnetBlock2D>([
            .. Enumerable
                .Range(0, config.LayersPerBlock + 1)
                .Select(i => new ResnetBlock2D(i == 0 ? inputs : outputs, outputs, null, config.NormNumGroups, VaeMidBlock.Eps)),
        ]);
        upsamplers = last ? null : new ModuleList<Upsample2D>(new Upsample2D(outputs));
        RegisterComponents();
    }

    /// <param name="x">[B, C, h, w].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        foreach (var resnet in resnets)
        {
            x = resnet.Forward(x);
            scope.DisposeEverythingBut(x);
        }
        return (upsamplers is null ? x : upsamplers[0].Forward(x, 2 * x.size(2), 2 * x.size(3))).MoveToOuterDisposeScope();
    }
}
