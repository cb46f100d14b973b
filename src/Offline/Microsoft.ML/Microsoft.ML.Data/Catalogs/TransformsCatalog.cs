using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>The estimators that transform data, as extension methods.</summary>
public sealed class TransformsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal TransformsCatalog(IHostEnvironment env)
    {
        _env = env;
        Conversion = new ConversionTransforms(this);
        Categorical = new CategoricalTransforms(this);
    }

    IHostEnvironment IInternalCatalog.Environment => _env;

    public ConversionTransforms Conversion { get; }

    public CategoricalTransforms Categorical { get; }

    /// <summary>The conversions between types.</summary>
    public sealed class ConversionTransforms : IInternalCatalog
    {
        private readonly IHostEnvironment _env;

        internal ConversionTransforms(TransformsCatalog owner)
        {
            _env = owner._env;
        }

        IHostEnvironment IInternalCatalog.Environment => _env;
    }

    /// <summary>The estimators for values of a few kinds.</summary>
    public sealed class CategoricalTransforms : IInternalCatalog
    {
        private readonly IHostEnvironment _env;

        internal CategoricalTransforms(TransformsCatalog owner)
        {
            _env = owner._env;
        }

        IHostEnvironment IInternalCatalog.Environment => _env;
    }
}
