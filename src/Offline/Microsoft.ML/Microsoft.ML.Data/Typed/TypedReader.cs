using System.Linq.Expressions;
using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The object that the getters of a row read.</summary>
internal sealed class RowHolder<TRow>
{
    public TRow Row;
}

/// <summary>Reads the members of a class as columns.</summary>
internal sealed class TypedReader<TRow>
    where TRow : class
{
    private readonly Column[] _columns;

    public TypedReader(IExceptionContext ectx, SchemaDefinition definition)
    {
        definition ??= SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read);
        _columns = new Column[definition.Count];
        var builder = new DataViewSchema.Builder();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < _columns.Length; i++)
        {
            SchemaDefinition.Column column = definition[i];
            if (!names.Add(column.ColumnName))
                throw ectx.ExceptParam(nameof(definition), $"Duplicate column name '{column.ColumnName}' in the schema definition");
            MemberInfo member = MemberColumns.Find(typeof(TRow), column.MemberName);
            Type memberType = MemberColumns.TypeOf(member);
            DataViewType type = column.ColumnType ?? MemberColumns.ColumnTypeOf(member);
            if (MemberColumns.RawTypeOf(memberType) != type.RawType)
                throw ectx.ExceptParam(nameof(definition), $"Member '{member.Name}' of type {memberType} cannot be column '{column.ColumnName}' of type {type}");
            _columns[i] = (Column)Activator.CreateInstance(typeof(Column<,>).MakeGenericType(typeof(TRow), memberType, type.RawType), member, column.ColumnName, type);
            builder.AddColumn(column.ColumnName, type, column.Annotations);
        }
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public Delegate CreateGetter(int column, RowHolder<TRow> holder) => _columns[column].CreateGetter(holder);

    private abstract class Column
    {
        public abstract Delegate CreateGetter(RowHolder<TRow> holder);
    }

    private sealed class Column<TMember, TValue> : Column
    {
        private readonly Func<TRow, TMember> _peek;
        private readonly ToColumn<TMember, TValue> _convert = ValueConversion.ToColumn<TMember, TValue>();
        private readonly string _name;
        private readonly DataViewType _type;
        private readonly Func<TValue, int> _length;

        public Column(MemberInfo member, string name, DataViewType type)
        {
            ParameterExpression row = Expression.Parameter(typeof(TRow), "row");
            _peek = Expression.Lambda<Func<TRow, TMember>>(Expression.MakeMemberAccess(row, member), row).Compile();
            _name = name;
            _type = type;
            if (type is VectorDataViewType { IsKnownSize: true })
            {
                ParameterExpression value = Expression.Parameter(typeof(TValue), "value");
                _length = Expression.Lambda<Func<TValue, int>>(Expression.Field(value, nameof(VBuffer<int>.Length)), value).Compile();
            }
        }

        public override Delegate CreateGetter(RowHolder<TRow> holder)
        {
            Func<TRow, TMember> peek = _peek;
            ToColumn<TMember, TValue> convert = _convert;
            if (_length is null)
                return (ValueGetter<TValue>)((ref TValue value) => convert(peek(Current(holder)), ref value));
            int size = ((VectorDataViewType)_type).Size;
            return (ValueGetter<TValue>)((ref TValue value) =>
            {
                convert(peek(Current(holder)), ref value);
                int length = _length(value);
                if (length == size)
                    return;
                throw new InvalidOperationException($"Column '{_name}' has type {_type}, but a row has {length} items");
            });
        }

        private static TRow Current(RowHolder<TRow> holder) =>
            holder.Row ?? throw new InvalidOperationException("The row is null, or the cursor is not at a row");
    }
}
