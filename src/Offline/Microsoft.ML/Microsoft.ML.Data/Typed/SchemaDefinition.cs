using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>How the members of a user's class are columns.</summary>
public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private readonly Type _userType;

    private SchemaDefinition(Type userType)
    {
        _userType = userType;
    }

    /// <summary>Whether members are read, written or both.</summary>
    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    internal Type UserType => _userType;

    /// <summary>The column of this name.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public Column this[string columnName]
    {
        get => this[IndexOf(columnName)];
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.ColumnName != columnName)
                throw new ArgumentException($"The column is named '{value.ColumnName}', not '{columnName}'", nameof(value));
            this[IndexOf(columnName)] = value;
        }
    }

    /// <summary>The public fields and properties of a class, as its attributes say.</summary>
    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        ArgumentNullException.ThrowIfNull(userType);
        var definition = new SchemaDefinition(userType);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (MemberInfo member in MemberColumns.Candidates(userType, direction))
        {
            if (member.IsDefined(typeof(NoColumnAttribute), inherit: true))
                continue;
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            if (!names.Add(name))
                throw new ArgumentOutOfRangeException(nameof(userType), $"Duplicate column name '{name}' detected in {userType}");
            definition.Add(new Column(member.Name, MemberColumns.ColumnTypeOf(member), name));
        }
        return definition;
    }

    private int IndexOf(string columnName)
    {
        int index = FindIndex(column => column.ColumnName == columnName);
        return index >= 0 ? index : throw new InvalidOperationException($"There is no column '{columnName}'. The columns are: {string.Join(", ", this.Select(c => c.ColumnName))}");
    }

    /// <summary>One member as a column.</summary>
    public sealed class Column
    {
        private readonly DataViewSchema.Annotations.Builder _builder = new();
        private DataViewSchema.Annotations _annotations;

        internal Column(string memberName, DataViewType columnType, string columnName = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(memberName);
            MemberName = memberName;
            ColumnType = columnType;
            ColumnName = columnName ?? memberName;
        }

        public string MemberName { get; }

        public string ColumnName { get; set; }

        public DataViewType ColumnType { get; set; }

        public DataViewSchema.Annotations Annotations => _annotations ??= _builder.ToAnnotations();

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            if (_annotations?.Schema.GetColumnOrNull(kind) is not null)
                throw new ArgumentException($"Column '{ColumnName}' already has an annotation '{kind}'", nameof(kind));
            MemberColumns.AddAnnotation(_builder, kind, value, annotationType);
            _annotations = null;
        }

        internal void SetAnnotations(DataViewSchema.Annotations annotations)
        {
            _builder.Add(annotations, _ => true);
            _annotations = null;
        }
    }
}
