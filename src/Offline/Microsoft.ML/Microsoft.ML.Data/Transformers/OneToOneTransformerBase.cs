using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A transformer of which each added column comes from one input column.</summary>
public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    private protected readonly (string outputColumnName, string inputColumnName)[] ColumnPairs;

    private protected OneToOneTransformerBase(IHost host, params (string outputColumnName, string inputColumnName)[] columns)
        : base(host)
    {
        host.CheckValue(columns, nameof(columns));
        host.CheckParam(columns.Length > 0, nameof(columns), "At least one column is needed");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string output, string input) in columns)
        {
            host.CheckNonEmpty(output, nameof(columns));
            host.CheckNonEmpty(input, nameof(columns));
            host.CheckParam(names.Add(output), nameof(columns), $"The output column '{output}' is given twice");
        }
        ColumnPairs = columns;
    }

    private protected OneToOneTransformerBase(IHost host, ModelLoadContext ctx)
        : this(host, LoadColumns(host, ctx))
    {
    }

    private static (string, string)[] LoadColumns(IHost host, ModelLoadContext ctx)
    {
        int count = ctx.Reader.ReadInt32();
        host.CheckDecode(count > 0 && count <= ctx.Strings.Length * (long)ctx.Strings.Length, $"Corrupt model: {count} columns");
        var columns = new (string, string)[count];
        for (int i = 0; i < count; i++)
            columns[i] = (ctx.LoadNonEmptyString(), ctx.LoadNonEmptyString());
        return columns;
    }

    private protected void SaveColumns(ModelSaveContext ctx)
    {
        ctx.Writer.Write(ColumnPairs.Length);
        foreach ((string output, string input) in ColumnPairs)
        {
            ctx.SaveNonEmptyString(output);
            ctx.SaveNonEmptyString(input);
        }
    }

    /// <summary>Throws where the input column has a type that cannot be used.</summary>
    private protected virtual void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
    }

    /// <summary>The mapper of such a transformer.</summary>
    internal abstract class OneToOneMapperBase : MapperBase
    {
        private readonly OneToOneTransformerBase _parent;

        /// <summary>The input column (by index) of each added column (by position).</summary>
        protected readonly Dictionary<int, int> ColMapNewToOld = [];

        protected OneToOneMapperBase(IHost host, OneToOneTransformerBase parent, DataViewSchema inputSchema)
            : base(host, inputSchema, parent)
        {
            _parent = parent;
            for (int i = 0; i < parent.ColumnPairs.Length; i++)
            {
                int source = host.FindColumn(inputSchema, "input", parent.ColumnPairs[i].inputColumnName).Index;
                parent.CheckInputColumn(inputSchema, i, source);
                ColMapNewToOld.Add(i, source);
            }
        }

        private protected override Func<int, bool> GetDependenciesCore(Func<int, bool> activeOutput)
        {
            var needed = new HashSet<int>();
            foreach ((int added, int source) in ColMapNewToOld)
            {
                if (activeOutput(added))
                    needed.Add(source);
            }
            return needed.Contains;
        }

        private protected override void SaveModel(ModelSaveContext ctx) => _parent.SaveModel(ctx);
    }
}
