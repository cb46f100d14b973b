using AirMLNet.Layers;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Diffusion;

/// <summary>Two convolutions, each behind a group normalisation and SiLU, between which the time comes in; added to the input.</summary>
internal sealed class ResnetBlock2D : nn.Module
{
    private readonly GroupNormLayer norm1;
    private readonly ConvLayer conv1;
    private readonly LinearLayer? time_emb_proj;
    private readonly GroupNormLayer norm2;
    private readonly ConvLayer conv2;
    private readonly ConvLayer? conv_shortcut;

    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="timeWidth">Width of the time embedding; null for none, as in a VAE.</param>
    /// <param name="groups">Groups of the normalisations.</param>
    /// <param name="eps">Their epsilon.</param>
    public ResnetBlock2D(int inputs, int outputs, int? timeWidth, int groups, double eps)
        : base(nameof(ResnetBlock2D))
    {
        norm1 = new GroupNormLayer(groups, inputs, eps);
        conv1 = new ConvLayer(inputs, outputs, 3);
        time_emb_proj = timeWidth is { } width ? new LinearLayer(width, outputs) : null;
        norm2 = new GroupNormLayer(groups, outputs, eps);
        conv2 = new ConvLayer(outputs, outputs, 3);
        conv_shortcut = inputs != outputs ? new ConvLayer(inputs, outputs, 1) : null;
        RegisterComponents();
    }

    /// <summary>What is added to every place for the time.</summary>
    /// <param name="time">SiLU of the time embedding, [B, T].</param>
    /// <returns>[B, outputs].</returns>
    public Tensor TimeShift(Tensor time) => time_emb_proj!.Forward(time);

    /// <param name="x">[B, inputs, H, W].</param>
    /// <param name="context">The time; null for none.</param>
    /// <returns>[B, outputs, H, W].</returns>
    public Tensor Forward(Tensor x, UNetContext? context = null)
    {
        // Each map is freed as soon as the next is there: those of a VAE are the largest tensors of a generation.
        using var scope = NewDisposeScope();
        var h = conv1.Forward(norm1.Forward(x).silu()); // [B, outputs, H, W]
        scope.DisposeEverythingBut(h);
        if (context is not null)
        {
            h = h.add(context.TimeShift(this).unsqueeze(-1).unsqueeze(-1));
        }
        h = conv2.Forward(norm2.Forward(h).silu());
        scope.DisposeEverythingBut(h);
        return h.add(conv_shortcut is null ? x : conv_shortcut.Forward(x)).MoveToOuterDisposeScope();
    }
}

/// <summary>Halves height and width by a convolution.</summary>
internal sealed class Downsample2D : nn.Module
{
    private readonly ConvLayer conv;
    private readonly bool _asymmetric;

    /// <param name="channels">Channels.</param>
    /// <param name="asymmetric">Pads at the right and at the bottom only, as the VAE does, instead of on all sides.</param>
    public Downsample2D(int channels, bool asymmetric)
        : base(nameof(Downsample2D))
    {
        conv = new ConvLayer(channels, channels, 3, stride: 2, padded: !asymmetric);
        _asymmetric = asymmetric;
        RegisterComponents();
    }

    /// <param name="x">[B, C, H, W].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return conv.Forward(_asymmetric ? F.pad(x, new long[] { 0, 1, 0, 1 }) : x).MoveToOuterDisposeScope();
    }
}

/// <summary>Enlarges by repeating pixels, then convolves.</summary>
internal sealed class Upsample2D : nn.Module
{
    private readonly ConvLayer conv;

    public Upsample2D(int channels)
        : base(nameof(Upsample2D))
    {
        conv = new ConvLayer(channels, channels, 3);
        RegisterComponents();
    }

    /// <param name="x">[B, C, H, W].</param>
    /// <param name="height">Wanted height, about 2H.</param>
    /// <param name="width">Wanted width, about 2W.</param>
    public Tensor Forward(Tensor x, long height, long width)
    {
        using var scope = NewDisposeScope();
        return conv.Forward(F.interpolate(x, [height, width], null, InterpolationMode.Nearest)).MoveToOuterDisposeScope();
    }
}
