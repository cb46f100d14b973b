#nullable disable
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

[assembly: LoadableClass(typeof(ImageLoadingTransformer), null, typeof(SignatureLoadModel), "Image Loader Transform", ImageLoadingTransformer.LoaderSignature)]

namespace Microsoft.ML.Data
{
    /// <summary>Decodes the image files that a column of paths names.</summary>
    public sealed class ImageLoadingEstimator : TrivialEstimator<ImageLoadingTransformer>
    {
        private readonly (string outputColumnName, string inputColumnName)[] _columns;

        internal ImageLoadingEstimator(IHostEnvironment env, string imageFolder, params (string outputColumnName, string inputColumnName)[] columns)
            : base(env.Register(nameof(ImageLoadingEstimator)), new ImageLoadingTransformer(env, imageFolder, columns))
        {
            _columns = columns;
        }

        public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            Host.CheckValue(inputSchema, nameof(inputSchema));
            return SchemaShapes.With(inputSchema, _columns.Select(pair =>
            {
                SchemaShape.Column source = SchemaShapes.Find(Host, inputSchema, "input", pair.inputColumnName);
                if (source.ItemType is not TextDataViewType || source.Kind != SchemaShape.Column.VectorKind.Scalar)
                {
                    throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, TextDataViewType.Instance.ToString(), source.GetTypeString());
                }

                return new SchemaShape.Column(pair.outputColumnName, SchemaShape.Column.VectorKind.Scalar, new ImageDataViewType(), false);
            }));
        }
    }

    /// <summary>Decodes the image files that a column of paths names.</summary>
    public sealed class ImageLoadingTransformer : OneToOneTransformerBase
    {
        internal const string LoaderSignature = "ImageLoaderTransform";

        /// <summary>The folder that relative paths start from; null or empty for the current folder.</summary>
        public readonly string ImageFolder;

        internal ImageLoadingTransformer(IHostEnvironment env, string imageFolder, params (string outputColumnName, string inputColumnName)[] columns)
            : base(env.Register(nameof(ImageLoadingTransformer)), columns)
            => ImageFolder = imageFolder;

        private ImageLoadingTransformer(IHost host, ModelLoadContext ctx)
            : base(host, ctx)
        {
            ImageFolder = ctx.LoadStringOrNull();
            host.CheckDecode(ctx.Reader.ReadBoolean(), "The model loads the bytes of image files undecoded, which is not supported here");
        }

        private static ImageLoadingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            ctx.CheckAtModel(GetVersionInfo());
            return new ImageLoadingTransformer(env.Register(nameof(ImageLoadingTransformer)), ctx);
        }

        private static VersionInfo GetVersionInfo() =>
            new("IMGLOADR", 0x00010003, 0x00010003, 0x00010003, OfficialAssembly.NameOf(typeof(ImageLoadingTransformer)), LoaderSignature);

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(GetVersionInfo());
            SaveColumns(ctx);
            ctx.SaveStringOrNull(ImageFolder);
            ctx.Writer.Write(true); // decoded images, and not the bytes of the files
        }

        private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
        {
            DataViewSchema.Column source = inputSchema[srcCol];
            if (source.Type is not TextDataViewType)
            {
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, TextDataViewType.Instance.ToString(), source.Type.ToString());
            }
        }

        private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

        private MLImage Load(string path)
        {
            if (path.Length == 0)
            {
                return null;
            }

            string file = string.IsNullOrEmpty(ImageFolder) ? path : Path.Combine(ImageFolder, path);
            MLImage image = MLImage.CreateFromFile(file);
            image.Tag = file;
            return image;
        }

        private sealed class Mapper(ImageLoadingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
        {
            protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore() =>
                [.. parent.ColumnPairs.Select(pair => new DataViewSchema.DetachedColumn(pair.outputColumnName, new ImageDataViewType()))];

            protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
            {
                ValueGetter<ReadOnlyMemory<char>> path = input.GetGetter<ReadOnlyMemory<char>>(input.Schema[ColMapNewToOld[iinfo]]);
                ReadOnlyMemory<char> text = default;
                disposer = null; // a value belongs to whoever asked for it
                return (ValueGetter<MLImage>)((ref MLImage value) =>
                {
                    path(ref text);
                    value?.Dispose();
                    value = null; // the caller must not keep a disposed image if the next one cannot be read
                    value = parent.Load(text.ToString());
                });
            }
        }
    }
}

namespace Microsoft.ML
{
    /// <summary>Estimators that work on images.</summary>
    public static class ImageEstimatorsCatalog
    {
        /// <summary>Decodes the files named in a column of paths, relative to <paramref name="imageFolder"/> where that is given.</summary>
        public static ImageLoadingEstimator LoadImages(
            this TransformsCatalog catalog, string outputColumnName, string imageFolder, string inputColumnName = null) =>
            new(catalog.GetEnvironment(), imageFolder, (outputColumnName, inputColumnName ?? outputColumnName));
    }
}
