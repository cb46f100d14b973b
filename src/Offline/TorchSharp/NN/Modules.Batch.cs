using static TorchSharp.torch;

namespace TorchSharp.Modules;

public abstract class NormBase : nn.Module<Tensor, Tensor>
{
    private Parameter _weight, _bias;
    private Tensor _mean, _var, _count;

    public NormBase(long num_features, double eps, double? momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype, string name) : base(name)
    {
        (this.num_features, this.eps, this.momentum, this.affine, this.track_running_stats) = (num_features, eps, momentum, affine, track_running_stats);
        if (affine)
        {
            weight = new Parameter(ones([num_features], dtype, device));
            bias = new Parameter(zeros([num_features], dtype, device));
        }
        if (!track_running_stats) return;
        running_mean = zeros([num_features], dtype, device);
        running_var = ones([num_features], dtype, device);
        num_batches_tracked = tensor(0L, ScalarType.Int64, device);
    }

    public long num_features { get; }
    public double eps { get; set; }
    public double? momentum { get; set; }
    public bool affine { get; }
    public bool track_running_stats { get; }

    public Parameter weight
    {
        get => _weight;
        set => register_parameter(nameof(weight), _weight = value);
    }

    public Parameter bias
    {
        get => _bias;
        set => register_parameter(nameof(bias), _bias = value);
    }

    public Tensor running_mean
    {
        get => _mean;
        set => register_buffer(nameof(running_mean), _mean = value);
    }

    public Tensor running_var
    {
        get => _var;
        set => register_buffer(nameof(running_var), _var = value);
    }

    public Tensor num_batches_tracked
    {
        get => _count;
        set => register_buffer(nameof(num_batches_tracked), _count = value);
    }

    public void reset_running_stats()
    {
        using var quiet = no_grad();
        _mean?.zero_();
        _var?.fill_(1);
        _count?.zero_();
    }

    public void reset_parameters()
    {
        reset_running_stats();
        using var quiet = no_grad();
        _weight?.fill_(1);
        _bias?.zero_();
    }

    protected abstract void ValidateInputDimensions(Tensor input);
}

public abstract class BatchNorm : NormBase
{
    public BatchNorm(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype, string name)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name)
    {
    }

    public override Tensor forward(Tensor input)
    {
        ValidateInputDimensions(input);
        if (training) num_batches_tracked?.add_(1);
        return nn.functional.batch_norm(input, running_mean, running_var, weight, bias, training || !track_running_stats, momentum.Value, eps);
    }
}

public sealed class BatchNorm1d : BatchNorm
{
    internal BatchNorm1d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm1d))
    {
    }

    protected override void ValidateInputDimensions(Tensor input)
    {
        if (input.ndim is not (2 or 3)) throw new ArgumentException($"BatchNorm1d needs [N, C] or [N, C, L], not {input.ndim} dimensions.", nameof(input));
    }
}

public sealed class BatchNorm2d : BatchNorm
{
    internal BatchNorm2d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm2d))
    {
    }

    protected override void ValidateInputDimensions(Tensor input)
    {
        if (input.ndim != 4) throw new ArgumentException($"BatchNorm2d needs [N, C, H, W], not {input.ndim} dimensions.", nameof(input));
    }
}

public sealed class BatchNorm3d : BatchNorm
{
    internal BatchNorm3d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm3d))
    {
    }

    protected override void ValidateInputDimensions(Tensor input)
    {
        if (input.ndim != 5) throw new ArgumentException($"BatchNorm3d needs [N, C, D, H, W], not {input.ndim} dimensions.", nameof(input));
    }
}

public abstract class InstanceNorm : NormBase
{
    public InstanceNorm(long num_features, double eps, double? momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype, string name)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name)
    {
    }

    /// <summary>The dimensions of an input with its batch.</summary>
    protected abstract long GetNumberOfBatchDimensions();

    public override Tensor forward(Tensor input)
    {
        ValidateInputDimensions(input);
        if (input.ndim == GetNumberOfBatchDimensions()) return Normalise(input);
        using var batch = input.unsqueeze(0);
        using var result = Normalise(batch);
        return result.squeeze(0);
    }

    private Tensor Normalise(Tensor input) =>
        nn.functional.instance_norm(input, running_mean, running_var, weight, bias, training || !track_running_stats, momentum ?? 0, eps);
}

public sealed class InstanceNorm1d : InstanceNorm
{
    internal InstanceNorm1d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(InstanceNorm1d))
    {
    }

    protected override long GetNumberOfBatchDimensions() => 3;

    protected override void ValidateInputDimensions(Tensor input)
    {
        if (input.ndim is not (2 or 3)) throw new ArgumentException($"InstanceNorm1d needs 2 or 3 dimensions, not {input.ndim}.", nameof(input));
    }
}

public sealed class InstanceNorm2d : InstanceNorm
{
    internal InstanceNorm2d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(InstanceNorm2d))
    {
    }

    protected override long GetNumberOfBatchDimensions() => 4;

    protected override void ValidateInputDimensions(Tensor input)
    {
        if (input.ndim is not (3 or 4)) throw new ArgumentException($"InstanceNorm2d needs 3 or 4 dimensions, not {input.ndim}.", nameof(input));
    }
}

public sealed class InstanceNorm3d : InstanceNorm
{
    internal InstanceNorm3d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device device, ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(InstanceNorm3d))
    {
    }

    protected override long GetNumberOfBatchDimensions() => 5;

    protected override void ValidateInputDimensions(Tensor input)
    {
        if (input.ndim is not (4 or 5)) throw new ArgumentException($"InstanceNorm3d needs 4 or 5 dimensions, not {input.ndim}.", nameof(input));
    }
}
