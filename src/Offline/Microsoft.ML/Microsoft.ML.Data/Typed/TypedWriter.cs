using System.Linq.Expressions;
using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Fills the members of objects from the columns of a schema.</summary>
internal sealed class TypedWriter<TRow>
    where TRow : class
{
    private readonly Column[] _columns;

    public TypedWriter(IExceptionContext ectx, DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition definition)
    {
        definition ??= SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Write);
        var columns = new List<Column>();
        foreach (SchemaDefinition.Column column in definition)
        {
            if (schema.GetColumnOrNull(column.ColumnName) is not { } source)
            {
                if (ignoreMissingColumns)
                    continue;
                throw ectx.ExceptParam(
                    nameof(schema),
                    $"Could not find column '{column.ColumnName}' for member '{column.MemberName}' of {typeof(TRow)}. The columns are: {string.Join(", ", schema.Select(c => c.Name))}");
            }
            MemberInfo member = MemberColumns.Find(typeof(TRow), column.MemberName);
            Type memberType = MemberColumns.TypeOf(member);
            if (MemberColumns.RawTypeOf(memberType) != source.Type.RawType)
            {
                throw ectx.Except(
                    $"Can't bind the IDataView column '{source.Name}' of type '{source.Type}' to field or property '{member.Name}' of type '{memberType}'.");
            }
            columns.Add((Column)Activator.CreateInstance(typeof(Column<,>).MakeGenericType(typeof(TRow), memberType, source.Type.RawType), member, source));
        }
        _columns = [.. columns];
    }

    /// <summary>The columns that are needed.</summary>
    public IEnumerable<DataViewSchema.Column> Sources => _columns.Select(c => c.Source);

    /// <summary>A filler of objects from this row, whose getters are made once.</summary>
    public Action<TRow> Bind(DataViewRow row)
    {
        Action<TRow>[] fillers = Array.ConvertAll(_columns, column => column.Bind(row));
        return target =>
        {
            foreach (Action<TRow> fill in fillers)
                fill(target);
        };
    }

    private abstract class Column(DataViewSchema.Column source)
    {
        public DataViewSchema.Column Source { get; } = source;

        public abstract Action<TRow> Bind(DataViewRow row);
    }

    private sealed class Column<TMember, TValue> : Column
    {
        private readonly Func<TRow, TMember> _peek;
        private readonly Action<TRow, TMember> _poke;
        private readonly ToMember<TValue, TMember> _convert = ValueConversion.ToMember<TValue, TMember>();

        public Column(MemberInfo member, DataViewSchema.Column source)
            : base(source)
        {
            ParameterExpression row = Expression.Parameter(typeof(TRow), "row");
            ParameterExpression value = Expression.Parameter(typeof(TMember), "value");
            MemberExpression access = Expression.MakeMemberAccess(row, member);
            _poke = Expression.Lambda<Action<TRow, TMember>>(Expression.Assign(access, value), row, value).Compile();
            bool readable = member is FieldInfo || ((PropertyInfo)member).CanRead;
            // Only arrays and vectors are filled in place.
            if (readable && typeof(TMember) != typeof(string) && MemberColumns.ItemTypeOf(typeof(TMember), out bool isVector) is not null && isVector)
                _peek = Expression.Lambda<Func<TRow, TMember>>(access, row).Compile();
        }

        public override Action<TRow> Bind(DataViewRow row)
        {
            ValueGetter<TValue> getter = row.GetGetter<TValue>(row.Schema[Source.Index]);
            TValue value = default;
            return target =>
            {
                getter(ref value);
                _poke(target, _convert(in value, _peek is null ? default : _peek(target)));
            };
        }
    }
}
