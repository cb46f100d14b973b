using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>What a trainer learned.</summary>
public abstract class ModelParametersBase<TOutput> : ICanSaveModel
{
    private protected readonly IHost Host;

    private protected ModelParametersBase(IHostEnvironment env, string name)
    {
        Contracts.CheckEnvironment(env);
        Host = env.Register(name);
    }

    private protected ModelParametersBase(IHostEnvironment env, string name, ModelLoadContext ctx)
        : this(env, name)
    {
        int size = ctx.Reader.ReadInt32();
        Host.CheckDecode(size == sizeof(float), $"The model has numbers of {size} bytes, which cannot be read");
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        Host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel();
        SaveCore(ctx);
    }

    private protected virtual void SaveCore(ModelSaveContext ctx) => ctx.Writer.Write(sizeof(float));
}
