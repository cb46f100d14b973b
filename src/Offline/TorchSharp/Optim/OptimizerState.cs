using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What an optimizer is set to, for one group; null means the optimizer's own setting.</summary>
public class OptimizerOptions
{
    public double? LearningRate { get; set; }

    public double InitialLearningRate { get; set; }

    public virtual void LoadStateDict(OptimizerOptions source) => (LearningRate, InitialLearningRate) = (source.LearningRate, source.InitialLearningRate);

    public virtual void LoadStateDict(BinaryReader reader) => (InitialLearningRate, LearningRate) = (reader.ReadDouble(), reader.ReadDouble());

    public virtual void SaveStateDict(BinaryWriter writer)
    {
        writer.Write(InitialLearningRate);
        writer.Write(LearningRate ?? InitialLearningRate);
    }
}

/// <summary>What an optimizer remembers of one parameter.</summary>
public abstract class OptimizerState
{
    protected Parameter _parameter;

    protected OptimizerState(Parameter parameter) => _parameter = parameter;

    /// <summary>Makes the state before the first step.</summary>
    public abstract void Initialize(OptimizerOptions options);

    /// <summary>Takes over the values of another state, which keeps its tensors.</summary>
    public abstract void LoadStateDict(OptimizerState source);

    public abstract void LoadStateDict(BinaryReader reader);

    public abstract void SaveStateDict(BinaryWriter writer);

    public virtual void to(Device device)
    {
    }

    public virtual bool ApproximatelyEquals(OptimizerState other) => false;

    private protected Tensor Zeros()
    {
        using var quiet = no_grad();
        return zeros_like(_parameter).DetachFromDisposeScope();
    }

    private protected static void Copy(ref Tensor mine, Tensor theirs)
    {
        mine?.Dispose();
        mine = theirs?.detach().clone().DetachFromDisposeScope();
    }

    private protected static void Move(ref Tensor tensor, Device device)
    {
        if (tensor is null || tensor.device.Same(device)) return;
        var moved = tensor.to(device).DetachFromDisposeScope();
        tensor.Dispose();
        tensor = moved;
    }

    private protected static bool Close(Tensor a, Tensor b) => a is null || b is null ? ReferenceEquals(a, b) : a.shape.AsSpan().SequenceEqual(b.shape) && a.allclose(b);

    protected static void SaveConditionalStateTensor(BinaryWriter writer, Tensor tensor)
    {
        writer.Write(tensor is not null);
        if (tensor is null) return;
        using var scope = NewDisposeScope();
        var plain = tensor.detach().cpu().contiguous();
        writer.Write((int)plain.dtype);
        writer.Write(plain.ndim);
        foreach (var length in plain.shape) writer.Write(length);
        writer.Write(plain.bytes);
    }

    /// <exception cref="InvalidDataException">What follows is no tensor of the shape that is expected.</exception>
    protected static void LoadConditionalStateTensor(BinaryReader reader, ref Tensor result, Device device)
    {
        result?.Dispose();
        result = null;
        if (!reader.ReadBoolean()) return;
        var type = (ScalarType)reader.ReadInt32();
        var dimensions = reader.ReadInt64();
        if (!Enum.IsDefined(type) || dimensions is < 0 or > 64) throw new InvalidDataException("The optimizer state holds something that is no tensor.");
        var shape = new long[dimensions];
        var count = 1L;
        for (var k = 0; k < shape.Length; k++)
        {
            shape[k] = reader.ReadInt64();
            if (shape[k] < 0 || (count = unchecked(count * shape[k])) is < 0 or > int.MaxValue) throw new InvalidDataException("The optimizer state holds a tensor of an impossible size.");
        }
        var stream = reader.BaseStream;
        if (stream.CanSeek && count > stream.Length - stream.Position) throw new InvalidDataException("The optimizer state ends in the middle of a tensor.");
        using var plain = empty(shape, type);
        stream.ReadExactly(plain.bytes);
        result = plain.to(device, copy: true).DetachFromDisposeScope();
    }

    // A state read from a file belongs to another parameter if its tensors have another shape.
    private protected void CheckShape(Tensor tensor)
    {
        if (tensor is not null && !tensor.shape.AsSpan().SequenceEqual(_parameter.shape))
            throw new InvalidDataException($"The optimizer state is for a parameter of shape [{string.Join(", ", tensor.shape)}], not [{string.Join(", ", _parameter.shape)}].");
    }
}
