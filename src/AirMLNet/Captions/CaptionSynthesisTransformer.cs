using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Captions;

/// <summary>The texts of an image; empty where there is none.</summary>
internal readonly record struct CaptionTexts(string Image, string Group);

/// <summary>
/// Adds the texts of images and groups; see <see cref="CaptionSynthesisEstimator"/>. Images that it does not know have empty ones.
/// </summary>
public sealed class CaptionSynthesisTransformer : StageTransformer
{
    internal CaptionSynthesisTransformer(
        IHost host,
        string imageText,
        string groupText,
        string paths,
        CaptionSynthesisOptions options,
        IReadOnlyDictionary<string, CaptionTexts> texts
    )
        : base(host)
    {
        (ImageTextColumnName, GroupTextColumnName, ImagePathColumnName) = (imageText, groupText, paths);
        (Options, Texts) = (options, texts);
    }

    internal string ImageTextColumnName { get; }

    internal string GroupTextColumnName { get; }

    internal string ImagePathColumnName { get; }

    internal CaptionSynthesisOptions Options { get; }

    /// <summary>By path.</summary>
    internal IReadOnlyDictionary<string, CaptionTexts> Texts { get; }

    /// <summary>What the texts of a path are kept under in the work folder; empty where they are not kept, and in a loaded stage.</summary>
    internal IReadOnlyDictionary<string, (string? Image, string? Group)> Keys { get; init; } =
        new Dictionary<string, (string? Image, string? Group)>();

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null) =>
        new Mapper(this, inputSchema, InputColumn.Text(ImagePathColumnName).Find(inputSchema, CaptionSynthesisEstimator.Stage));

    private protected override void SaveTo(ModelSaveContext ctx) => CaptionSynthesisSaved.Save(ctx, this);

    private sealed class Mapper(CaptionSynthesisTransformer parent, DataViewSchema schema, DataViewSchema.Column path)
        : RowMapper(
            schema,
            new DataViewSchema.DetachedColumn(parent.ImageTextColumnName, TextDataViewType.Instance),
            new DataViewSchema.DetachedColumn(parent.GroupTextColumnName, TextDataViewType.Instance)
        )
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads { get; } = [path];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            if (!active(0) && !active(1))
            {
                return new Delegate?[2];
            }

            var read = input.GetGetter<ReadOnlyMemory<char>>(path);
            ReadOnlyMemory<char> current = default;
            ValueGetter<ReadOnlyMemory<char>> Getter(Func<CaptionTexts, string> text) =>
                (ref ReadOnlyMemory<char> value) =>
                {
                    read(ref current);
                    value = (parent.Texts.TryGetValue(current.ToString(), out var found) ? text(found) : "").AsMemory();
                };
            return [active(0) ? Getter(t => t.Image) : null, active(1) ? Getter(t => t.Group) : null];
        }
    }
}
