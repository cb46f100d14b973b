using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Synthesis;

/// <summary>The columns of the output: the input's in their order, then those it lacks; and what synthetic rows hold in them.</summary>
internal sealed class SynthesisSchema
{
    private readonly Delegate[] _synthetic; // per output column, Func<int, T> of the image's number

    public SynthesisSchema(DataViewSchema input, DiffusionSynthesisOptions options, GeneratedImages generated)
    {
        Input = input;
        var columns = SynthesisColumns.Of(input, options, generated.Dimension, fit: false);
        var builder = new DataViewSchema.Builder();
        foreach (var column in input)
        {
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        }

        void Add(string name, DataViewType type) => builder.AddColumn(name, type);
        if (columns.Image is null)
        {
            Add(options.ImageColumn, TextDataViewType.Instance);
        }

        if (columns.Label is null)
        {
            var key = StageAnnotations.ClassKey(options.LabelColumn, options.ClassNames);
            builder.AddColumn(key.Name, key.Type, key.Annotations);
        }
        if (columns.Features is null)
        {
            Add(options.FeatureColumn, new VectorDataViewType(NumberDataViewType.Single, generated.Dimension));
        }

        if (columns.Origin is null)
        {
            Add(options.OriginColumn, TextDataViewType.Instance);
        }

        Output = builder.ToSchema();
        _synthetic =
        [
            .. Output.Select(column =>
                column.Index >= input.Count || column.Index == input[column.Name].Index
                    ? Filled(column, options, columns, generated)
                    : Missing(column)
            ),
        ];
        OriginIndex = columns.Origin is null ? Output[options.OriginColumn].Index : -1;
    }

    public DataViewSchema Input { get; }

    public DataViewSchema Output { get; }

    /// <summary>Place of the origin column where it is added; −1 where the input has it.</summary>
    public int OriginIndex { get; }

    /// <summary>The input's columns among those of the output.</summary>
    public IEnumerable<DataViewSchema.Column> Needed(IEnumerable<DataViewSchema.Column> columns) =>
        columns.Where(c => c.Index < Input.Count).Select(c => Input[c.Index]);

    /// <summary>What an image's row holds in a column.</summary>
    public Func<int, T> Value<T>(DataViewSchema.Column column) => (Func<int, T>)_synthetic[column.Index];

    /// <summary>What a row of the input holds in a column that was added.</summary>
    public T OfInput<T>(DataViewSchema.Column column) =>
        column.Index == OriginIndex ? (T)(object)RowOrigin.Real.AsMemory() : ((Func<int, T>)Missing(column))(0);

    private static Delegate Filled(
        DataViewSchema.Column column,
        DiffusionSynthesisOptions options,
        SynthesisColumns columns,
        GeneratedImages generated
    )
    {
        var name = column.Name;
        if (name == options.ImageColumn)
        {
            return column.Type is TextDataViewType
                ? (Func<int, ReadOnlyMemory<char>>)(i => generated.Images[i].Path.AsMemory())
                : (Func<int, MLImage>)(i => MLImages.FromRgb(ImageFile.Load(generated.Images[i].Path)));
        }

        if (name == options.CaptionColumn && column.Type is TextDataViewType)
        {
            return (Func<int, ReadOnlyMemory<char>>)(i => generated.Images[i].Caption.AsMemory());
        }

        if (name == options.OriginColumn)
        {
            return (Func<int, ReadOnlyMemory<char>>)(_ => RowOrigin.Synthetic.AsMemory());
        }

        if (name == options.FeatureColumn)
        {
            return (Func<int, VBuffer<float>>)(
                i => new VBuffer<float>(
                    generated.Dimension,
                    generated.Features.AsSpan(i * generated.Dimension, generated.Dimension).ToArray()
                )
            );
        }

        if (name == options.LabelColumn)
        {
            return columns.VectorLabels
                ? (Func<int, VBuffer<float>>)(i => new VBuffer<float>(generated.Labels[i].Length, generated.Labels[i]))
                : (Func<int, uint>)(i => (uint)(generated.Images[i].Class + 1));
        }

        if (name == options.ConfidenceColumn && column.Type == NumberDataViewType.Single)
        {
            return (Func<int, float>)(i => generated.Images[i].Confidence);
        }

        return Missing(column);
    }

    private static Delegate Missing(DataViewSchema.Column column) =>
        (Delegate)
            typeof(SynthesisSchema)
                .GetMethod(nameof(MissingOf), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!
                .MakeGenericMethod(column.Type.RawType)
                .Invoke(null, [column.Type])!;

    // As in ML.NET, what is missing is NaN in floating-point numbers and 0 in keys, and the default value in all other types.
    // A vector of known size keeps its size.
    private static Func<int, T> MissingOf<T>(DataViewType type)
    {
        var value = type switch
        {
            VectorDataViewType { Size: > 0 and var size } => Activator.CreateInstance(typeof(T), size, 0, null, null),
            NumberDataViewType when typeof(T) == typeof(float) => float.NaN,
            NumberDataViewType when typeof(T) == typeof(double) => double.NaN,
            _ => default(T),
        };
        return _ => (T)value!;
    }
}
